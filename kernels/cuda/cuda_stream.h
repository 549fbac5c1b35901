#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/attention_memory.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels::cuda {

// A CUDA stream and the first error on it. One user at a time.
class CudaStream final : public Stream {
 public:
  // Takes over `stream`, which belongs to device `ordinal`.
  CudaStream(int ordinal, cudaStream_t stream) : ordinal_(ordinal), stream_(stream) {}
  ~CudaStream() override { cudaStreamDestroy(stream_); }
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  // The stream behind the interface, ready for launches from this thread.
  static CudaStream& Bind(Stream& stream) {
    auto& cuda = static_cast<CudaStream&>(stream);
    cuda.Record(cudaSetDevice(cuda.ordinal_));
    return cuda;
  }

  cudaStream_t handle() const { return stream_; }
  AttentionMemory& attention() { return attention_; }

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
  cudaError_t error_ = cudaSuccess;
  AttentionMemory attention_;
};

inline float* Floats(const MatrixView& m) { return static_cast<float*>(m.data); }

}  // namespace quire::kernels::cuda
