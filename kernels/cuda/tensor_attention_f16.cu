#include "kernels/cuda/tensor_attention.cuh"

namespace quire::kernels::cuda {

void AttendF16(const AttentionParams& params, const DeviceWork& work, CudaStream& stream) {
  AttendWithTensorCores<__half>(params, work, stream);
}

}  // namespace quire::kernels::cuda
