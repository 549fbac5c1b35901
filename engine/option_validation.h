#pragma once

#include <cstdint>

#include "base/status.h"

namespace quire::engine {

// Most tokens that a step or an embedding batch may compute.
inline constexpr std::int32_t kMaxBatchTokens = 1 << 16;

// Returns INVALID_ARGUMENT naming `field` unless `value` is in [min, max].
inline Status ValidateRange(const char* field, std::int64_t value, std::int64_t min,
                            std::int64_t max) {
  if (value >= min && value <= max) return OkStatus();
  return InvalidArgument("{}: wanted a number in [{}, {}], have {}", field, min, max, value);
}

}  // namespace quire::engine
