#pragma once

#include <cstdint>
#include <optional>

#include "base/status.h"

namespace quire::engine {

// How the next token is chosen. Order of the steps: temperature, top-k, top-p, min-p, draw.
struct SamplingParams {
  float temperature = 0.0f;  // 0: the most likely token, lowest id on ties
  std::int32_t top_k = 0;    // 0: no limit
  float top_p = 1.0f;        // nucleus mass in (0, 1]
  float min_p = 0.0f;        // [0, 1]; keeps tokens with p >= min_p * max p
  // Same seed, prompt, model and device: same tokens. Nothing: a random one.
  std::optional<std::uint64_t> seed = std::nullopt;
};

// Returns INVALID_ARGUMENT naming the field if a value is out of range, NaN or infinite.
Status Validate(const SamplingParams& params);

}  // namespace quire::engine
