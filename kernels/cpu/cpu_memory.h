#pragma once

#include <cstdint>
#include <memory>

#include "base/status.h"
#include "kernels/device.h"

namespace quire::kernels::cpu {

// Anonymous memory, 64-byte aligned. From 2 MiB on it is aligned to huge pages and asks for them:
// streaming weights from 4 KiB pages loses a third of the bandwidth to address translation.
// Returns RESOURCE_EXHAUSTED if the machine has not that much.
StatusOr<std::unique_ptr<DeviceMemory>> AllocateCpuMemory(std::int64_t size_bytes);

}  // namespace quire::kernels::cpu
