#pragma once

#include <cstdint>

#include "kernels/cuda/weight_view.h"

// What a product of rows with a packed weight is given. The rows are prepared first: 16-bit terms
// in the order in which the lanes of a warp need them as the right operand of mma.m16n8k16.

namespace quire::kernels::cuda {

class CudaStream;

// Rows of one block of prepared rows: the columns of an mma.
inline constexpr int kBlockRows = 8;

// A block of prepared rows, for one unit: [terms, 4 slices, 32 lanes] of four numbers of 16 bits,
// `terms` of which stand for an element (RowPrecision), then the sums over each slice as f32
// [4 slices, 8 rows].
QUIRE_HOST_DEVICE constexpr int RowTermBytes() { return kBlockRows * kUnitInputs * 2; }
QUIRE_HOST_DEVICE constexpr int RowBlockBytes(int terms) {
  return terms * RowTermBytes() + kUnitSlices * kBlockRows * static_cast<int>(sizeof(float));
}

struct PreparedRows {
  const std::uint8_t* blocks = nullptr;  // [row blocks, units, RowBlockBytes]
  const float* factors = nullptr;        // [rows]: what a result is to be multiplied with
  std::int64_t rows = 0;
  int terms = 2;
};

struct ProductArgs {
  WeightView weight;
  PreparedRows x;
  const float* bias = nullptr;  // [out] or null
  float* y = nullptr;           // [rows, out]
  std::int64_t y_stride = 0;
  bool accumulate = false;
  // Where blocks of the grid share the parts of the sums: [parts, blocks, values of a block], and
  // a counter for each block, 0 between products.
  float* partial_sums = nullptr;
  unsigned* arrivals = nullptr;
};

// Tile sizes of a product: which rows and outputs a block takes. A larger one reads the weight less
// often and the rows in shared memory less often.
enum class ProductShape : std::uint8_t {
  kRows8,         // 128 outputs times 8 rows
  kRows16,        // 128 outputs times 16 rows
  kRows32,        // 256 outputs times 32 rows
  kRows32Narrow,  // 128 outputs times 32 rows
};
inline constexpr int kProductThreads = 128;
constexpr int RowsOf(ProductShape shape) {
  return shape == ProductShape::kRows8 ? 8 : shape == ProductShape::kRows16 ? 16 : 32;
}
constexpr int TilesOf(ProductShape shape) { return shape == ProductShape::kRows32 ? 16 : 8; }
// Sums that one thread has.
constexpr int ValuesOf(ProductShape shape) {
  return TilesOf(shape) * kTileOutputs * RowsOf(shape) / kProductThreads;
}

struct ProductGrid {
  ProductShape shape = ProductShape::kRows8;
  int output_blocks = 0;
  int row_blocks = 0;
  // 1: a block of threads takes all parts one after the other; else each takes one, and the last to
  // finish adds them up. Both give the same bits.
  int part_blocks = 1;
};

// Enqueues the product. The launch's error is recorded on the stream.
using LaunchProductFn = void(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream);
LaunchProductFn LaunchProductInt2;
LaunchProductFn LaunchProductInt3;
LaunchProductFn LaunchProductInt4;
LaunchProductFn LaunchProductInt5;
LaunchProductFn LaunchProductInt6;
LaunchProductFn LaunchProductInt8;
LaunchProductFn LaunchProductTable4;
LaunchProductFn LaunchProductF16;   // plain weights
LaunchProductFn LaunchProductBF16;  // plain weights

}  // namespace quire::kernels::cuda
