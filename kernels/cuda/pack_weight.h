#pragma once

#include <memory>

#include "base/status.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/quant/quantized_weight.h"
#include "kernels/quantized_linear.h"

namespace quire::kernels::cuda {

// See Device::PackWeight. Codes go to the device one a byte, some tiles at a time, and kernels pack
// them there. Waits for the stream. Returns RESOURCE_EXHAUSTED if the device lacks memory.
StatusOr<std::unique_ptr<PackedWeight>> PackCudaWeight(const QuantizedWeight& host,
                                                       cpu::ThreadPool& pool, CudaStream& stream);

}  // namespace quire::kernels::cuda
