#include "kernels/linear.h"

#include <cstring>
#include <tuple>

#include "kernels/reference/reference.h"
#include "tests/conformance/kernel_test.h"

namespace quire::kernels {
namespace {

struct LinearCase {
  std::int64_t tokens;
  std::int64_t in;
  std::int64_t out;
};

// Below, at and above every vector width and register tile, in both directions.
std::vector<LinearCase> OddCases() {
  std::vector<LinearCase> cases;
  const std::int64_t sizes[] = {1, 7, 8, 15, 16, 17, 63, 64, 65};
  for (std::int64_t in : sizes) {
    for (std::int64_t out : sizes) cases.push_back({1, in, out});
  }
  for (std::int64_t tokens : {2, 3, 4, 5, 6, 7, 8, 13, 16, 17, 65}) {
    for (std::int64_t in : {1, 17, 257, 511}) cases.push_back({tokens, in, 19});
  }
  return cases;
}

class LinearTest : public KernelTest {
 protected:
  // Runs x W^T on the device. `y` is what the output holds before.
  Matrix Run(const Matrix& x, const Matrix& weight, const Matrix* bias, const Matrix& y,
             bool accumulate) {
    const DeviceMatrix device_x = Upload(x);
    const DeviceMatrix device_y = Upload(y);
    auto imported = device_.ImportWeight(weight.view());
    EXPECT_TRUE(imported.ok()) << imported.status();
    std::unique_ptr<DeviceMatrix> device_bias;
    if (bias != nullptr) device_bias = std::make_unique<DeviceMatrix>(Upload(*bias));
    device_.kernels().linear({.x = device_x.view(),
                              .weight = imported->view,
                              .bias = bias == nullptr ? MatrixView{} : device_bias->view(),
                              .y = device_y.view(),
                              .accumulate = accumulate},
                             *stream_);
    return device_y.Download();
  }

  // To the type of the weight.
  double RoundingOfRows(DType dtype) const {
    if (!RoundsRows() || dtype == DType::kF32) return 0.0;
    return dtype == DType::kBF16 ? kUnitBF16 : kUnitF16;
  }

  void Check(const LinearCase& c, DType dtype, bool with_bias, bool accumulate) {
    SCOPED_TRACE(::testing::Message()
                 << "tokens " << c.tokens << ", in " << c.in << ", out " << c.out << ", "
                 << DTypeName(dtype) << ", bias " << with_bias << ", accumulate " << accumulate);
    const Matrix x = Matrix::Random(c.tokens, c.in, random_);
    const Matrix weight = Matrix::Random(c.out, c.in, random_, dtype);
    const Matrix bias = Matrix::Random(1, c.out, random_);
    const Matrix y =
        accumulate ? Matrix::Random(c.tokens, c.out, random_) : Matrix(c.tokens, c.out);
    const Matrix* used_bias = with_bias ? &bias : nullptr;
    const auto wanted = reference::Linear({.x = x.view(),
                                           .weight = weight.view(),
                                           .bias = with_bias ? bias.view() : MatrixView{},
                                           .y = y.view(),
                                           .accumulate = accumulate});
    const auto magnitude =
        reference::Linear({.x = x.Absolute().view(),
                           .weight = weight.Absolute().view(),
                           .bias = with_bias ? bias.Absolute().view() : MatrixView{},
                           .y = y.Absolute().view(),
                           .accumulate = accumulate});
    ExpectNear(Run(x, weight, used_bias, y, accumulate), wanted,
               [&](std::int64_t t, std::int64_t j) {
                 return (SumError(c.in) + RoundingOfRows(dtype)) *
                        magnitude[static_cast<std::size_t>(t * c.out + j)];
               });
  }
};

TEST_P(LinearTest, MatchesTheFormulaAtOddSizes) {
  for (const LinearCase& c : OddCases()) {
    for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      Check(c, dtype, /*with_bias=*/false, /*accumulate=*/false);
    }
  }
}

TEST_P(LinearTest, AddsBiasAndAccumulates) {
  for (bool with_bias : {false, true}) {
    for (bool accumulate : {false, true}) {
      Check({1, 65, 33}, DType::kBF16, with_bias, accumulate);
      Check({29, 300, 33}, DType::kBF16, with_bias, accumulate);
    }
  }
}

TEST_P(LinearTest, MatchesTheFormulaAtModelSizes) {
  // TinyLlama 1.1B and MiniLM-L6; few outputs, since the reference is slow.
  for (std::int64_t in : {384, 1536, 2048, 5632}) {
    Check({1, in, 100}, DType::kBF16, false, false);
    Check({32, in, 100}, DType::kBF16, false, false);
  }
  Check({200, 384, 36}, DType::kF32, true, false);  // more tokens than one block of the CPU takes
}

TEST_P(LinearTest, NoTokensIsNoWork) {
  const Matrix weight = Matrix::Random(5, 8, random_);
  const Matrix y = Run(Matrix(0, 8), weight, nullptr, Matrix(0, 5), false);
  EXPECT_EQ(y.rows(), 0);
}

TEST_P(LinearTest, ReadsWeightsThatAreNotElementAligned) {
  std::vector<std::byte> raw(2 * 17 * 5 + 1);
  const Matrix weight = Matrix::Random(5, 17, random_, DType::kBF16, kPacked);
  std::memcpy(raw.data() + 1, weight.bytes().data(), 2 * 17 * 5);
  MatrixView misaligned = weight.view();
  misaligned.data = raw.data() + 1;

  const auto imported = device_.ImportWeight(misaligned);
  ASSERT_TRUE(imported.ok()) << imported.status();
  const Matrix x = Matrix::Random(1, 17, random_);
  const DeviceMatrix device_x = Upload(x);
  const DeviceMatrix device_y = Upload(Matrix(1, 5));
  device_.kernels().linear(
      {.x = device_x.view(), .weight = imported->view, .bias = {}, .y = device_y.view()}, *stream_);

  const Matrix y = Run(x, weight, nullptr, Matrix(1, 5), false);
  EXPECT_EQ(device_y.Download().bytes(), y.bytes());
}

// The contract of linear.h: the order of a sum depends on `in` alone.
TEST_P(LinearTest, RowHasTheSameBitsAloneAndInAnyBatch) {
  if (RoundsRows()) GTEST_SKIP() << "may give many rows to a library with an order of its own";
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (std::int64_t in : {17, 256, 1000}) {
      const std::int64_t out = 37;
      const Matrix weight = Matrix::Random(out, in, random_, dtype);
      const Matrix x = Matrix::Random(391, in, random_);
      const Matrix all = Run(x, weight, nullptr, Matrix(x.rows(), out), false);
      for (const RowRange& rows : RowRanges()) {
        const Matrix part =
            Run(x.Rows(rows.first, rows.count), weight, nullptr, Matrix(rows.count, out), false);
        ASSERT_EQ(part.bytes(), all.Rows(rows.first, rows.count).bytes())
            << DTypeName(dtype) << ", in " << in << ", rows " << rows.first << " to "
            << rows.first + rows.count;
      }
    }
  }
}

QUIRE_FOR_EVERY_ROUNDING(LinearTest);

}  // namespace
}  // namespace quire::kernels
