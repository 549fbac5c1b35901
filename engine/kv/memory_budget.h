#pragma once

#include <cstdint>

namespace quire::engine {

// Host memory in bytes that this process could still take without swapping: what the system calls
// available, cut to the limit of its control group. 0 if the system does not tell.
std::int64_t AvailableMemoryBytes();

}  // namespace quire::engine
