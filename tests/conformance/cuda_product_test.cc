// How a product is cut must not change its result: what the choice by size never reaches with few
// outputs and rows.

#include <cstring>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/packed_weight.h"
#include "kernels/cuda/prepare_rows.h"
#include "kernels/cuda/run_product.h"
#include "kernels/quant/gptq.h"
#include "tests/conformance/kernel_test.h"
#include "tests/support/quantized_tensors.h"

namespace quire::kernels::cuda {
namespace {

using testing::RandomGptq;

class CudaProductTest : public KernelTest {
 protected:
  // The product of all rows of `x`, cut as `grid` says but for its blocks, which follow.
  Matrix Run(const Matrix& x, const WeightView& w, ProductGrid grid) {
    auto& stream = CudaStream::Bind(*stream_);
    const auto blocks = [](std::int64_t count, std::int64_t size) {
      return static_cast<int>((count + size - 1) / size);
    };
    grid.output_blocks = blocks(w.tiles, TilesOf(grid.shape));
    grid.row_blocks = blocks(x.rows(), RowsOf(grid.shape));
    const DeviceMatrix device_x = Upload(x);
    const DeviceMatrix y = Upload(Matrix(x.rows(), w.out));
    const int terms = RowTerms(DType::kF16, stream.row_precision());
    const DeviceArray rows = Upload(
        std::vector<char>(static_cast<std::size_t>(PreparedRowsBytes(x.rows(), w.units, terms))));
    const DeviceArray sums =
        Upload(std::vector<char>(static_cast<std::size_t>(PartialSumBytes(grid) + 1)));
    LaunchProductInt4({.weight = w,
                       .x = PrepareRows(device_x.view(), w, DType::kF16, rows.data(), stream),
                       .y = static_cast<float*>(y.view().data),
                       .y_stride = y.view().row_stride,
                       .partial_sums = static_cast<float*>(sums.data()),
                       .arrivals = stream.Counters()},
                      grid, stream);
    return y.Download();
  }
};

TEST_P(CudaProductTest, EveryCutGivesTheSameBits) {
  const RandomGptq gptq(random_, {.bits = 4, .out = 40, .in = 1088, .group_size = 32});
  const auto packed = device_.PackWeight(**NewGptqWeight(gptq.tensors()));
  ASSERT_TRUE(packed.ok()) << packed.status();
  const WeightView& w = static_cast<const CudaPackedWeight&>(**packed).view();
  ASSERT_EQ(w.parts, 4);  // the last one shorter
  ASSERT_EQ(w.units, 17);
  const Matrix x = Matrix::Random(37, 1088, random_);
  const Matrix wanted = Run(x, w, {.shape = ProductShape::kRows8, .part_blocks = w.parts});
  for (const ProductShape shape :
       {ProductShape::kRows8, ProductShape::kRows16, ProductShape::kRows32}) {
    for (const int part_blocks : {1, w.parts}) {
      const Matrix y = Run(x, w, {.shape = shape, .part_blocks = part_blocks});
      ASSERT_EQ(y.bytes(), wanted.bytes())
          << RowsOf(shape) << " rows a block, " << part_blocks << " blocks for the parts";
    }
  }
}

// The counters of the blocks are as they were after each product.
TEST_P(CudaProductTest, PartsMeetAgainInTheNextProduct) {
  const RandomGptq gptq(random_, {.bits = 4, .out = 40, .in = 1024, .group_size = 128});
  const auto packed = device_.PackWeight(**NewGptqWeight(gptq.tensors()));
  ASSERT_TRUE(packed.ok()) << packed.status();
  const WeightView& w = static_cast<const CudaPackedWeight&>(**packed).view();
  const Matrix x = Matrix::Random(9, 1024, random_);
  const ProductGrid grid = {.shape = ProductShape::kRows16, .part_blocks = w.parts};
  const Matrix first = Run(x, w, grid);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Run(x, w, grid).bytes(), first.bytes());
}

TEST_P(CudaProductTest, ManyBlocksTakeAllPartsThemselves) {
  WeightView w;
  w.tiles = 1024;  // 16,384 outputs
  w.units = 256;
  PlanParts(w);
  EXPECT_EQ(w.parts, 2);
  EXPECT_EQ(GridFor(w, /*is_plain=*/false, 8).part_blocks, 2);
  EXPECT_EQ(GridFor(w, /*is_plain=*/false, 512).part_blocks, 1);
}

QUIRE_FOR_EVERY_ROUNDING(CudaProductTest);

}  // namespace
}  // namespace quire::kernels::cuda
