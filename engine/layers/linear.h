#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "engine/layers/layer_context.h"
#include "engine/layers/weight_loader.h"

namespace quire::engine {

// y = x W^T + bias with the weight in the type it is stored in.
//
// Thread-safe: immutable after Load.
class Linear {
 public:
  // Reads `name`.weight [out, in] and, if `has_bias`, `name`.bias [out]. Errors as WeightLoader.
  static StatusOr<Linear> Load(WeightLoader& loader, const std::string& name, std::int64_t out,
                               std::int64_t in, bool has_bias);

  // `x`: [tokens, in], `y`: [tokens, out], both f32; adds to `y` if `accumulate`.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& y, bool accumulate,
               const LayerContext& context) const;

 private:
  Linear(Weight weight, Weight bias) : weight_(std::move(weight)), bias_(std::move(bias)) {}

  Weight weight_;
  Weight bias_;  // an empty view where there is none
};

}  // namespace quire::engine
