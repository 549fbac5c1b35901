#pragma once

#include <cstdint>

#include "base/status.h"
#include "engine/scheduler/request.h"

namespace quire::engine {

// Limits of one request, checked before anything is allocated for it.
inline constexpr std::size_t kMaxStopStrings = 16;
inline constexpr std::size_t kMaxStopStringBytes = 256;
inline constexpr std::size_t kMaxStopTokens = 256;
inline constexpr std::int32_t kMaxTopLogprobs = 100;
inline constexpr std::int32_t kMaxOutputs = 64;
inline constexpr std::int32_t kMaxDraftTokens = 16;
inline constexpr std::size_t kMaxNameBytes = 256;  // of client, group and cache salt

// Returns INVALID_ARGUMENT naming the field, what was wanted and what it has, if the request can
// never run on a model with this vocabulary and context.
Status Validate(const Request& request, std::int32_t vocab_size, std::int32_t context_tokens);

}  // namespace quire::engine
