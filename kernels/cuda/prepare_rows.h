#pragma once

#include "kernels/cuda/product.h"
#include "kernels/cuda/row_precision.h"
#include "kernels/tensor.h"

namespace quire::kernels::cuda {

// Memory that prepared rows take.
constexpr std::int64_t PreparedRowsBytes(std::int64_t rows, int units, int terms) {
  const std::int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  return blocks * units * RowBlockBytes(terms) + rows * static_cast<std::int64_t>(sizeof(float));
}

// Numbers that stand for an element in rows of `element`, f16 or bf16.
constexpr int RowTerms(DType element, RowPrecision precision) {
  return precision == RowPrecision::kHalf ? 1 : element == DType::kBF16 ? 3 : 2;
}

// Enqueues the preparation of `x` [rows, weight.in] f32 in `memory`, PreparedRowsBytes of it,
// 16-byte aligned. Padding inputs are zeros; rows that fill the last block are left as they were.
PreparedRows PrepareRows(const MatrixView& x, const WeightView& weight, DType element, void* memory,
                         CudaStream& stream);

}  // namespace quire::kernels::cuda
