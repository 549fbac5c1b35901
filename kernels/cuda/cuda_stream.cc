#include "kernels/cuda/cuda_stream.h"

#include <algorithm>

namespace quire::kernels::cuda {

void* CudaStream::Scratch(std::int64_t size_bytes) {
  if (size_bytes <= scratch_bytes_) return scratch_;
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
