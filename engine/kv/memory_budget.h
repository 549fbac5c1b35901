#pragma once

#include <cstdint>
#include <string>

#include "kernels/device.h"

namespace quire::engine {

// Memory in bytes that models on `device` can still take: the device's own if it has some, else
// that of the host.
std::int64_t AvailableMemoryBytes(kernels::Device& device);

// Host memory in bytes that this process could still take without swapping: what the system calls
// available, cut to the limit of its control group. Files in the page cache count as available, as
// far as they have not been used lately. 0 if the system does not tell. `root`: where /proc and
// /sys are.
std::int64_t AvailableHostMemoryBytes(const std::string& root = "");

// "3.1 GiB" or "86.6 MiB".
std::string FormatMemory(std::int64_t bytes);

}  // namespace quire::engine
