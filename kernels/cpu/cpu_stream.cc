#include "kernels/cpu/cpu_stream.h"

namespace quire::kernels::cpu {

CpuStream::CpuStream(const Microkernels& microkernels, ThreadPool& pool)
    : microkernels_(microkernels), pool_(pool) {}

float* CpuStream::Grow(Buffer& buffer, std::int64_t floats) {
  if (floats <= buffer.floats) return buffer.data.get();
  buffer.data.reset();
  buffer.floats = 0;
  const auto bytes = static_cast<std::size_t>(floats) * sizeof(float);
  auto* memory = static_cast<float*>(::operator new[](bytes, std::align_val_t{64}, std::nothrow));
  if (memory == nullptr) {
    if (error_.ok()) error_ = ResourceExhausted("cpu scratch: wanted {} bytes", bytes);
    return nullptr;
  }
  buffer.data.reset(memory);
  buffer.floats = floats;
  return memory;
}

}  // namespace quire::kernels::cpu
