#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/attention_memory.h"
#include "kernels/cuda/row_precision.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels::cuda {

// A CUDA stream, the first error on it, and the scratch memory of its operations. One user at a
// time.
class CudaStream final : public Stream {
 public:
  // Takes over `stream`, which belongs to device `ordinal`.
  CudaStream(int ordinal, cudaStream_t stream, RowPrecision row_precision)
      : ordinal_(ordinal), stream_(stream), row_precision_(row_precision) {}
  ~CudaStream() override {
    cudaStreamSynchronize(stream_);
    cudaFree(scratch_);
    cudaFree(counters_);
    cudaStreamDestroy(stream_);
  }
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  // The stream behind the interface, ready for launches from this thread.
  static CudaStream& Bind(Stream& stream) {
    auto& cuda = static_cast<CudaStream&>(stream);
    cuda.Record(cudaSetDevice(cuda.ordinal_));
    return cuda;
  }

  cudaStream_t handle() const { return stream_; }
  RowPrecision row_precision() const { return row_precision_; }

  // Memory for one operation, aligned to 256 bytes, until the next call. Null if there is not that
  // much, which is recorded.
  void* Scratch(std::int64_t size_bytes);
  // kNumCounters counters that every operation leaves at 0. Null like Scratch.
  unsigned* Counters();
  static constexpr int kNumCounters = 1024;
  AttentionMemory& attention() { return attention_; }

  // Memory of operations was replaced so many times: what was recorded before is void.
  std::uint64_t memory_generation() const { return memory_generation_; }
  // Whether memory may be replaced now. Not while work is recorded: then the error is recorded.
  bool StartReplacingMemory();
  // From here to EndRecording, which returns the first error between them, launches are recorded.
  void BeginRecording();
  cudaError_t EndRecording();

  // Keeps the first error until Synchronize takes it.
  void Record(cudaError_t error) {
    if (error_ == cudaSuccess) error_ = error;
  }
  cudaError_t TakeError() {
    const cudaError_t error = error_;
    error_ = cudaSuccess;
    return error;
  }

 private:
  const int ordinal_;
  const cudaStream_t stream_;
  const RowPrecision row_precision_;
  cudaError_t error_ = cudaSuccess;
  bool is_recording_ = false;
  cudaError_t error_before_recording_ = cudaSuccess;
  std::uint64_t memory_generation_ = 0;
  void* scratch_ = nullptr;
  std::int64_t scratch_bytes_ = 0;
  unsigned* counters_ = nullptr;
  AttentionMemory attention_;
};

inline float* Floats(const MatrixView& m) { return static_cast<float*>(m.data); }

}  // namespace quire::kernels::cuda
