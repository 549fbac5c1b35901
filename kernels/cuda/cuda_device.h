#pragma once

#include <memory>
#include <vector>

#include "kernels/device.h"

namespace quire::kernels::cuda {

// The CUDA devices of this machine, in the driver's order, each twice. "cuda:0/sm90" takes the rows
// of products with quantized weights as exactly as f32 products would; "cuda:0/sm90/half" rounds
// them to f16, with a power of two of each row taken out, for half or a third of the arithmetic.
// Empty without a driver, without a device, or in a build without CUDA.
std::vector<std::unique_ptr<Device>> EnumerateCudaDevices();

}  // namespace quire::kernels::cuda
