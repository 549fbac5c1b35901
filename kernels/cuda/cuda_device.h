#pragma once

#include <memory>
#include <vector>

#include "kernels/device.h"

namespace quire::kernels::cuda {

// The CUDA devices of this machine, in the driver's order. Empty without a driver, without a
// device, or in a build without CUDA.
std::vector<std::unique_ptr<Device>> EnumerateCudaDevices();

}  // namespace quire::kernels::cuda
