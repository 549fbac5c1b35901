#include "kernels/cuda/run_product.h"

#include <algorithm>

#include "kernels/cuda/prepare_rows.h"

namespace quire::kernels::cuda {
namespace {

// Rows prepared at a time: bounds the scratch memory to about 60 MB at 14,336 inputs.
constexpr std::int64_t kMostRows = 1024;
// Blocks of threads that fill a large device, above which parts are not shared out.
constexpr int kEnoughBlocks = 264;
static_assert(kEnoughBlocks <= CudaStream::kNumCounters);

std::int64_t AlignUp(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }

// Rows [first, first + rows).
void RunRows(const ProductCall& call, std::int64_t first, std::int64_t rows, CudaStream& stream) {
  const WeightView& w = call.weight;
  const ProductGrid grid = GridFor(w, call.is_plain, rows);
  const int terms = RowTerms(call.element, stream.row_precision());
  const std::int64_t rows_bytes = AlignUp(PreparedRowsBytes(rows, w.units, terms));
  auto* const scratch =
      static_cast<std::uint8_t*>(stream.Scratch(rows_bytes + PartialSumBytes(grid)));
  unsigned* const counters = stream.Counters();
  if (scratch == nullptr || counters == nullptr) return;
  MatrixView x = call.x;
  x.data = Floats(call.x) + first * call.x.row_stride;
  x.rows = rows;
  call.launch({.weight = w,
               .x = PrepareRows(x, w, call.element, scratch, stream),
               .bias = Floats(call.bias),
               .y = Floats(call.y) + first * call.y.row_stride,
               .y_stride = call.y.row_stride,
               .accumulate = call.accumulate,
               .partial_sums = reinterpret_cast<float*>(scratch + rows_bytes),
               .arrivals = counters},
              grid, stream);
}

}  // namespace

ProductGrid GridFor(const WeightView& w, bool is_plain, std::int64_t rows) {
  ProductGrid grid;
  grid.shape = rows <= 8    ? ProductShape::kRows8
               : rows <= 16 ? ProductShape::kRows16
               : is_plain   ? ProductShape::kRows32Narrow
                            : ProductShape::kRows32;
  const int tiles = TilesOf(grid.shape);
  const int block_rows = RowsOf(grid.shape);
  grid.output_blocks = (w.tiles + tiles - 1) / tiles;
  grid.row_blocks = static_cast<int>((rows + block_rows - 1) / block_rows);
  if (grid.output_blocks * grid.row_blocks < kEnoughBlocks) grid.part_blocks = w.parts;
  return grid;
}

std::int64_t PartialSumBytes(const ProductGrid& grid) {
  if (grid.part_blocks == 1) return 0;
  return std::int64_t{grid.part_blocks} * grid.output_blocks * grid.row_blocks *
         ValuesOf(grid.shape) * kProductThreads * static_cast<std::int64_t>(sizeof(float));
}

void RunProduct(const ProductCall& call, CudaStream& stream) {
  if (call.weight.out == 0) return;
  for (std::int64_t first = 0; first < call.x.rows; first += kMostRows) {
    RunRows(call, first, std::min(kMostRows, call.x.rows - first), stream);
  }
}

}  // namespace quire::kernels::cuda
