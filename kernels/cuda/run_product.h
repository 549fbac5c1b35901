#pragma once

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/product.h"
#include "kernels/tensor.h"

namespace quire::kernels::cuda {

// y = x W^T + bias, or y += with `accumulate`: LinearArgs over a weight as the kernels see it.
struct ProductCall {
  MatrixView x;  // [rows, weight.in] f32
  WeightView weight;
  DType element = DType::kF16;        // of the left operands: f16 or bf16
  bool is_plain = false;              // the weight has elements, not codes
  LaunchProductFn* launch = nullptr;  // for this kind of weight
  MatrixView bias;                    // [1, weight.out] f32; data == nullptr means none
  MatrixView y;                       // [rows, weight.out] f32
  bool accumulate = false;
};

// Enqueues it, some rows at a time.
void RunProduct(const ProductCall& call, CudaStream& stream);

// How a product with `rows` rows is cut.
ProductGrid GridFor(const WeightView& weight, bool is_plain, std::int64_t rows);
// Memory for ProductArgs::partial_sums.
std::int64_t PartialSumBytes(const ProductGrid& grid);

}  // namespace quire::kernels::cuda
