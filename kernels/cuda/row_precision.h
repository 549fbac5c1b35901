#pragma once

#include <cstdint>

namespace quire::kernels::cuda {

// How exactly a product takes its rows, which tensor cores want in 16 bits. A row is multiplied by
// a power of two that puts its largest element into [2^14, 2^15), and an element then is the sum of
// one or more numbers of 16 bits.
enum class RowPrecision : std::uint8_t {
  // Two f16 or three bf16 numbers: the error is below 2^-22 of the element or 2^-39 of the row's
  // largest, like that of products in f32.
  kFull,
  // One: rounded to f16 or bf16.
  kHalf,
};

}  // namespace quire::kernels::cuda
