#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/model/model_config.h"

namespace quire::engine {

// A linear layer of a checkpoint: the tensor `name`.weight, [out, in].
struct LinearShape {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  std::int64_t out = 0;
  std::int64_t in = 0;
};

// Linear layers that multiply one input, and where that input comes from: each of its channels is
// one output of `source`, maybe times something, so that a factor taken out of the source can be
// put into the linear layers.
struct LinearGroup {
  std::vector<LinearShape> linears;
  std::string source;           // a norm or a linear layer
  bool source_is_norm = false;
};

// The linear layers of decoder layer `layer` in the order in which they are computed. Names begin
// with `prefix`, "model." or nothing. Returns UNIMPLEMENTED for an architecture whose layers are not
// known here.
StatusOr<std::vector<LinearGroup>> LinearGroups(const ModelConfig& config,
                                                const std::string& prefix, std::int32_t layer);

}  // namespace quire::engine
