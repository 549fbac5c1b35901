#include "kernels/cuda/tensor_attention.cuh"

namespace quire::kernels::cuda {

void AttendI8(const AttentionParams& params, const DeviceWork& work, CudaStream& stream) {
  AttendWithTensorCores<std::int8_t>(params, work, stream);
}

}  // namespace quire::kernels::cuda
