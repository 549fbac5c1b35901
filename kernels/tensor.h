#pragma once

#include <cstdint>

// What kernels see: plain views over memory that somebody else owns. No std containers and no
// absl here, so that .cu and -inl.h files can include it.

namespace quire::kernels {

enum class DType : std::uint8_t { kF32, kF16, kBF16, kI32, kU8, kI8, kF8E4M3 };

constexpr std::int64_t BytesPerElement(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kF16:
    case DType::kBF16:
      return 2;
    case DType::kU8:
    case DType::kI8:
    case DType::kF8E4M3:
      return 1;
  }
  return 0;
}

// "f32", "bf16", ...
const char* DTypeName(DType dtype);

// A row-major matrix. Rows are contiguous; `row_stride` counts elements, at least `cols`.
struct MatrixView {
  void* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t row_stride = 0;
  DType dtype = DType::kF32;
};

// [num_sequences + 1] prefix sums of sequence lengths; the first entry is 0.
struct CuSeqlens {
  const std::int32_t* data = nullptr;
  std::int32_t num_sequences = 0;
};

}  // namespace quire::kernels
