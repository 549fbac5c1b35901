#include "kernels/cuda/packed_weight.h"

#include <cuda_runtime.h>

namespace quire::kernels::cuda {

CudaPackedWeight::~CudaPackedWeight() { cudaFree(memory_); }

}  // namespace quire::kernels::cuda
