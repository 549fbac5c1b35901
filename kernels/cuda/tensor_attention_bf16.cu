#include "kernels/cuda/tensor_attention.cuh"

namespace quire::kernels::cuda {

void AttendBF16(const AttentionParams& params, const DeviceWork& work, CudaStream& stream) {
  AttendWithTensorCores<__nv_bfloat16>(params, work, stream);
}

}  // namespace quire::kernels::cuda
