#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "engine/layers/layer_context.h"
#include "engine/layers/weight_loader.h"

namespace quire::engine {

// Scales each row to unit root mean square; see kernels/norm.h.
//
// Thread-safe: immutable after Load.
class RmsNorm {
 public:
  // Reads `name`.weight [hidden_size], to which `weight_offset` is added.
  static StatusOr<RmsNorm> Load(WeightLoader& loader, const std::string& name,
                                std::int64_t hidden_size, float epsilon,
                                float weight_offset = 0.0f);

  // `x` and `out`: [tokens, hidden_size] f32; may be one.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& out,
               const LayerContext& context) const;

 private:
  RmsNorm(Weight weight, float epsilon) : weight_(std::move(weight)), epsilon_(epsilon) {}

  Weight weight_;
  float epsilon_;
};

// Shifts and scales each row to mean 0 and variance 1; see kernels/norm.h.
//
// Thread-safe: immutable after Load.
class LayerNorm {
 public:
  // Reads `name`.weight and `name`.bias, both [hidden_size].
  static StatusOr<LayerNorm> Load(WeightLoader& loader, const std::string& name,
                                  std::int64_t hidden_size, float epsilon);

  // `x` and `out`: [tokens, hidden_size] f32; may be one.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& out,
               const LayerContext& context) const;
  void Forward(const kernels::MatrixView& x, const LayerContext& context) const {
    Forward(x, x, context);
  }

 private:
  LayerNorm(Weight weight, Weight bias, float epsilon)
      : weight_(std::move(weight)), bias_(std::move(bias)), epsilon_(epsilon) {}

  Weight weight_;
  Weight bias_;
  float epsilon_;
};

struct NormShape {
  kernels::NormKind kind = kernels::NormKind::kRms;
  std::int64_t size = 0;
  float epsilon = 1e-6f;
  float weight_offset = 0.0f;  // of kRms: Gemma stores its weights less one
};

// The norm of a decoder, of either kind.
//
// Thread-safe: immutable after Load.
class Norm {
 public:
  // Reads `name`.weight and, for kLayer, `name`.bias.
  static StatusOr<Norm> Load(WeightLoader& loader, const std::string& name, const NormShape& shape);

  // `x` and `out`: [rows, size] f32; may be one.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& out,
               const LayerContext& context) const;

 private:
  Norm() = default;

  // One of them is there.
  std::optional<RmsNorm> rms_;
  std::optional<LayerNorm> layer_;
};

}  // namespace quire::engine
