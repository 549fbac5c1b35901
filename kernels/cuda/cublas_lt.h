#pragma once

#include <cstdint>

#include "kernels/tensor.h"

namespace quire::kernels::cuda {

class CudaStream;

// x W^T by the vendor's library.
struct LibraryProduct {
  const void* x = nullptr;  // [rows, in] of the weight's type, dense
  MatrixView weight;        // [out, in] f16 or bf16
  const float* bias = nullptr;
  MatrixView y;  // [rows, out] f32
  bool accumulate = false;
  void* workspace = nullptr;  // CublasLt::kWorkspaceBytes, aligned to 256 bytes
};

// cuBLASLt, found when the process first asks: the program does not need it to start.
//
// Thread-safe.
class CublasLt {
 public:
  // What its kernels for Hopper ask for.
  static constexpr std::int64_t kWorkspaceBytes = std::int64_t{32} << 20;

  virtual ~CublasLt() = default;
  // Null where the library cannot be loaded. Lives as long as the process.
  static CublasLt* OfProcess();
  // Enqueues the product; sums are in f32, their order is the library's. Returns false, with
  // nothing enqueued, if the library has no kernel for it. An error of the launch is recorded.
  virtual bool Multiply(const LibraryProduct& product, CudaStream& stream) = 0;
};

}  // namespace quire::kernels::cuda
