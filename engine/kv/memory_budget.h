#pragma once

#include <cstdint>
#include <string>

namespace quire::engine {

// Host memory in bytes that this process could still take without swapping: what the system calls
// available, cut to the limit of its control group. Files in the page cache count as available, as
// far as they have not been used lately. 0 if the system does not tell. `root`: where /proc and
// /sys are.
std::int64_t AvailableMemoryBytes(const std::string& root = "");

// "3.1 GiB" or "86.6 MiB".
std::string FormatMemory(std::int64_t bytes);

}  // namespace quire::engine
