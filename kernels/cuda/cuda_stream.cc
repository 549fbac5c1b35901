#include "kernels/cuda/cuda_stream.h"

#include <utility>

namespace quire::kernels::cuda {

bool CudaStream::StartReplacingMemory() {
  if (is_recording_) {
    Record(cudaErrorNotSupported);
    return false;
  }
  ++memory_generation_;
  return true;
}

void CudaStream::BeginRecording() {
  is_recording_ = true;
  error_before_recording_ = TakeError();
}

cudaError_t CudaStream::EndRecording() {
  is_recording_ = false;
  return std::exchange(error_, error_before_recording_);
}

void* CudaStream::Scratch(std::int64_t size_bytes) {
  if (size_bytes <= scratch_bytes_) return scratch_;
  if (!StartReplacingMemory()) return nullptr;
  // Operations before this one may still read what is freed; cudaFree waits for them.
  Record(cudaFree(scratch_));
  scratch_ = nullptr;
  scratch_bytes_ = 0;
  if (const cudaError_t error = cudaMalloc(&scratch_, static_cast<std::size_t>(size_bytes));
      error != cudaSuccess) {
    static_cast<void>(cudaGetLastError());  // so that the next launch does not report it
    Record(error);
    scratch_ = nullptr;
    return nullptr;
  }
  scratch_bytes_ = size_bytes;
  return scratch_;
}

unsigned* CudaStream::Counters() {
  if (counters_ != nullptr) return counters_;
  if (!StartReplacingMemory()) return nullptr;
  void* memory = nullptr;
  const std::size_t size_bytes = kNumCounters * sizeof(unsigned);
  if (const cudaError_t error = cudaMalloc(&memory, size_bytes); error != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    Record(error);
    return nullptr;
  }
  counters_ = static_cast<unsigned*>(memory);
  Record(cudaMemsetAsync(counters_, 0, size_bytes, stream_));
  return counters_;
}

}  // namespace quire::kernels::cuda
