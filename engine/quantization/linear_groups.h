#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/model/model_config.h"

namespace quire::engine {

// A linear layer of a checkpoint: the tensor `name`.weight, [out, in].
struct LinearShape {
  std::string name;    // "model.layers.0.self_attn.q_proj"
  std::string suffix;  // "self_attn.q_proj"
  std::int64_t out = 0;
  std::int64_t in = 0;
  bool is_transposed = false;  // the tensor is [in, out]; quantizers write all layers in one order

  std::array<std::int64_t, 2> stored_shape() const {
    return is_transposed ? std::array{in, out} : std::array{out, in};
  }
};

// Linear layers that multiply one input, and where that input comes from.
struct LinearGroup {
  std::vector<LinearShape> linears;
  // A norm or a linear layer of which every output is one channel of the input, maybe times
  // something, so that a factor taken out of it can be put into the linear layers. Empty: none.
  std::string source;
  bool source_is_norm = false;
};

// The linear layers of decoder layer `layer`. Names begin with `prefix`, "model.", "transformer."
// or nothing. Returns UNIMPLEMENTED for a decoder that is a part of a larger model, which quantized
// checkpoints have no form for.
StatusOr<std::vector<LinearGroup>> LinearGroups(const ModelConfig& config,
                                                const std::string& prefix, std::int32_t layer);

}  // namespace quire::engine
