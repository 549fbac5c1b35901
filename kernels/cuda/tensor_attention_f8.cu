#include "kernels/cuda/tensor_attention.cuh"

namespace quire::kernels::cuda {

void AttendF8(const AttentionParams& params, const DeviceWork& work, CudaStream& stream) {
  AttendWithTensorCores<Float8>(params, work, stream);
}

}  // namespace quire::kernels::cuda
