#include "kernels/quantized_linear.h"

#include <algorithm>
#include <cmath>

#include "kernels/quant/bitsandbytes.h"
#include "kernels/quant/round_to_nearest.h"
#include "kernels/reference/reference.h"
#include "tests/conformance/kernel_test.h"
#include "tests/support/quantized_tensors.h"

namespace quire::kernels {
namespace {

using testing::AllGgufBlockTypes;
using testing::RandomAwq;
using testing::RandomBnb4;
using testing::RandomGguf;
using testing::RandomGptq;
using testing::RandomInt8;

// A weight in a format with what it must decode to.
struct Case {
  std::string name;
  const QuantizedWeight* weight;
  std::vector<float> values;  // [out, in] from the format's own reference decoder
};

// Above the bound of any order of adding `in` products up in one chain and folding groups in.
double ChainError(const QuantizedLayout& layout) {
  return static_cast<double>(layout.in + 3 * layout.num_groups + 8) * kUnit;
}

// |scale| (|c| + |shift|): what rounding errors of a product with the codes are relative to.
Matrix Magnitudes(const QuantizedWeight& weight) {
  const QuantizedLayout& layout = weight.layout();
  const auto in = static_cast<std::size_t>(layout.in);
  const auto groups = static_cast<std::size_t>(layout.num_groups);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(layout.out) * in);
  std::vector<float> scales(static_cast<std::size_t>(layout.out) * groups);
  std::vector<float> shifts(scales.size());
  weight.ReadCodes(0, layout.out, codes.data());
  weight.ReadScales(0, layout.out, scales.data(), shifts.data());
  Matrix result(layout.out, layout.in);
  for (std::size_t n = 0; n < static_cast<std::size_t>(layout.out); ++n) {
    for (std::size_t k = 0; k < in; ++k) {
      const auto group = n * groups + static_cast<std::size_t>(layout.group_of_input[k]);
      const std::uint8_t code = codes[n * in + k];
      const float c = layout.table.empty() ? code : layout.table[code];
      const float scale = std::abs(scales[group]);
      // Bytes with a scale per output are multiplied as signed numbers, less their constant zero.
      const float zero = IsInt8PerOutput(layout) ? layout.constant_zero : 0.0f;
      float magnitude = scale * std::abs(c - zero);
      if (layout.shift == CodeShift::kConstantZero && !IsInt8PerOutput(layout)) {
        magnitude += scale * layout.constant_zero;
      }
      if (layout.shift == CodeShift::kZeroPoint) magnitude += scale * shifts[group];
      if (layout.shift == CodeShift::kOffset) magnitude += std::abs(shifts[group]);
      result.Set(static_cast<std::int64_t>(n), static_cast<std::int64_t>(k), magnitude);
    }
  }
  return result;
}

class QuantizedLinearTest : public KernelTest {
 protected:
  // A row and maybe a table.
  double RoundingOfInputs() const { return RoundsRows() ? 2 * kUnitF16 : 0.0; }

  Matrix Run(const Matrix& x, const PackedWeight& weight, const Matrix* bias, const Matrix& y,
             bool accumulate) {
    const DeviceMatrix device_x = Upload(x);
    const DeviceMatrix device_y = Upload(y);
    std::unique_ptr<DeviceMatrix> device_bias;
    if (bias != nullptr) device_bias = std::make_unique<DeviceMatrix>(Upload(*bias));
    device_.kernels().quantized_linear(
        {.x = device_x.view(),
         .weight = &weight,
         .bias = bias == nullptr ? MatrixView{} : device_bias->view(),
         .y = device_y.view(),
         .accumulate = accumulate},
        *stream_);
    return device_y.Download();
  }

  // The product of the decoded values in f64 against the device's, for few and many tokens.
  void Check(const Case& c, const std::vector<std::int64_t>& token_counts, bool with_bias = false,
             bool accumulate = false) {
    SCOPED_TRACE(c.name);
    const QuantizedLayout& layout = c.weight->layout();
    Matrix weight(layout.out, layout.in);
    for (std::int64_t n = 0; n < layout.out; ++n) {
      for (std::int64_t k = 0; k < layout.in; ++k) {
        weight.Set(n, k, c.values[static_cast<std::size_t>(n * layout.in + k)]);
      }
    }
    const Matrix magnitudes = Magnitudes(*c.weight);
    const auto packed = device_.PackWeight(*c.weight);
    ASSERT_TRUE(packed.ok()) << packed.status();
    ASSERT_EQ((*packed)->out(), layout.out);
    ASSERT_EQ((*packed)->in(), layout.in);
    for (const std::int64_t tokens : token_counts) {
      SCOPED_TRACE(::testing::Message() << tokens << " tokens");
      const Matrix x = Matrix::Random(tokens, layout.in, random_);
      const Matrix bias = Matrix::Random(1, layout.out, random_);
      const Matrix y =
          accumulate ? Matrix::Random(tokens, layout.out, random_) : Matrix(tokens, layout.out);
      const auto reference = [&](const Matrix& of_x, const Matrix& of_weight, const Matrix& of_bias,
                                 const Matrix& of_y) {
        return reference::Linear({.x = of_x.view(),
                                  .weight = of_weight.view(),
                                  .bias = with_bias ? of_bias.view() : MatrixView{},
                                  .y = of_y.view(),
                                  .accumulate = accumulate});
      };
      const auto wanted = reference(x, weight, bias, y);
      const auto magnitude = reference(x.Absolute(), magnitudes, bias.Absolute(), y.Absolute());
      ExpectNear(Run(x, **packed, with_bias ? &bias : nullptr, y, accumulate), wanted,
                 [&](std::int64_t t, std::int64_t j) {
                   return (ChainError(layout) + RoundingOfInputs()) *
                          magnitude[static_cast<std::size_t>(t * layout.out + j)];
                 });
      if (HasFailure()) return;
    }
  }
};

// Below, at and above every register tile.
const std::vector<std::int64_t> kTokenCounts = {1, 2, 3, 4, 6, 7, 13, 25};

TEST_P(QuantizedLinearTest, GptqMatchesItsReferenceDecoder) {
  for (const int bits : {2, 3, 4, 8}) {
    for (const std::int64_t group_size : {-1, 32, 64, 128, 20}) {
      for (const bool act_order : {false, true}) {
        const RandomGptq gptq(
            random_,
            {.bits = bits, .out = 64, .in = 160, .group_size = group_size, .act_order = act_order});
        const auto weight = NewGptqWeight(gptq.tensors());
        ASSERT_TRUE(weight.ok()) << weight.status();
        Check({gptq.name(), weight->get(), DecodeGptq(gptq.tensors())}, kTokenCounts);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(QuantizedLinearTest, GptqOfEveryKindMatches) {
  for (const DType scale_dtype : {DType::kF16, DType::kBF16, DType::kF32}) {
    for (const bool symmetric : {false, true}) {
      for (const bool zeros_minus_one : {false, true}) {
        const RandomGptq gptq(random_, {.bits = 4,
                                        .out = 40,
                                        .in = 64,
                                        .group_size = 16,
                                        .symmetric = symmetric,
                                        .zeros_minus_one = zeros_minus_one,
                                        .scale_dtype = scale_dtype});
        const auto weight = NewGptqWeight(gptq.tensors());
        ASSERT_TRUE(weight.ok()) << weight.status();
        Check({gptq.name(), weight->get(), DecodeGptq(gptq.tensors())}, {1, 7});
      }
    }
  }
}

TEST_P(QuantizedLinearTest, GroupsOfAnySizeInAnyOrderMatch) {
  // Groups of 1 to 40 inputs, one of them empty.
  RandomGptq gptq(random_, {.bits = 4, .out = 24, .in = 96, .group_size = 16});
  std::vector<std::int32_t> g_idx(96);
  for (std::size_t k = 0; k < g_idx.size(); ++k) {
    g_idx[k] = k == 0 ? 0 : k < 40 ? 2 : 3 + static_cast<std::int32_t>(k % 3);
  }
  std::shuffle(g_idx.begin(), g_idx.end(), random_);
  GptqTensors tensors = gptq.tensors();
  tensors.g_idx = g_idx.data();
  const auto weight = NewGptqWeight(tensors);
  ASSERT_TRUE(weight.ok()) << weight.status();
  Check({"scattered", weight->get(), DecodeGptq(tensors)}, kTokenCounts);
}

TEST_P(QuantizedLinearTest, AwqMatchesItsReferenceDecoder) {
  for (const AwqLayout layout : {AwqLayout::kGemm, AwqLayout::kGemv, AwqLayout::kGemvFast}) {
    for (const std::int64_t group_size : {32, 64, 128}) {
      for (const bool zero_point : {true, false}) {
        const RandomAwq awq(random_, {.layout = layout,
                                      .out = 72,
                                      .in = 384,
                                      .group_size = group_size,
                                      .zero_point = zero_point});
        const auto weight = NewAwqWeight(awq.tensors());
        ASSERT_TRUE(weight.ok()) << weight.status();
        Check({awq.name(), weight->get(), DecodeAwq(awq.tensors())}, kTokenCounts);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(QuantizedLinearTest, Bnb4MatchesItsReferenceDecoder) {
  for (const auto* table : {&kNf4Values, &kFp4Values}) {
    for (const bool nested : {false, true}) {
      // The last three have blocks that run from one output into the next.
      for (const auto& [out, in, block_size] : {std::array<std::int64_t, 3>{64, 128, 64},
                                                {40, 256, 32},
                                                {9, 4096, 4096},
                                                {96, 64, 128},
                                                {64, 48, 64},
                                                {31, 20, 64}}) {
        const RandomBnb4 bnb(
            random_,
            {.out = out, .in = in, .block_size = block_size, .nested = nested, .table = table});
        const auto weight = NewBnb4Weight(bnb.tensors());
        ASSERT_TRUE(weight.ok()) << weight.status();
        Check({bnb.name(), weight->get(), DecodeBnb4(bnb.tensors())}, kTokenCounts);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(QuantizedLinearTest, Int8MatchesItsReferenceDecoder) {
  for (const std::int64_t in : {1, 7, 16, 63, 64, 257, 1000}) {
    for (const std::int64_t out : {1, 15, 32, 65}) {
      const RandomInt8 int8(random_, out, in);
      const auto weight = NewInt8Weight(int8.tensors());
      Check({fmt::format("int8 [{}, {}]", out, in), weight.get(), DecodeInt8(int8.tensors())},
            kTokenCounts);
      if (HasFailure()) return;
    }
  }
}

TEST_P(QuantizedLinearTest, GgufBlocksMatchTheirReferenceDecoder) {
  for (const GgufBlockType type : AllGgufBlockTypes()) {
    const std::int64_t block = SizeOf(type).inputs;
    for (const auto& [out, blocks] :
         {std::array<std::int64_t, 2>{1, 1}, {33, 2}, {65, 3}, {72, 5}}) {
      const RandomGguf gguf(random_, type, out, blocks * block);
      const auto weight = NewGgufWeight(gguf.tensors());
      ASSERT_TRUE(weight.ok()) << weight.status();
      Check({gguf.name(), weight->get(), DecodeGguf(gguf.tensors())}, kTokenCounts);
      if (HasFailure()) return;
    }
  }
}

TEST_P(QuantizedLinearTest, WeightsRoundedOnLoadMatchTheirDefinition) {
  for (const RoundingKind kind : {RoundingKind::kInt8, RoundingKind::kInt4, RoundingKind::kNf4}) {
    for (const auto& [out, in] :
         {std::array<std::int64_t, 2>{1, 1}, {7, 8}, {33, 63}, {65, 64}, {64, 172}, {96, 1000}}) {
      const Matrix dense = Matrix::Random(out, in, random_, DType::kBF16);
      const auto weight = RoundToNearest(dense.view(), kind);
      ASSERT_TRUE(weight.ok()) << weight.status();
      Check({fmt::format("{} [{}, {}]", RoundingKindName(kind), out, in), weight->get(),
             DecodeQuantizedWeight(**weight)},
            kTokenCounts);
      if (HasFailure()) return;
    }
  }
}

TEST_P(QuantizedLinearTest, AddsBiasAndAccumulates) {
  const RandomGptq gptq(random_, {.bits = 4, .out = 40, .in = 64, .group_size = 32});
  const RandomInt8 int8(random_, 33, 65);
  const auto four_bits = NewGptqWeight(gptq.tensors());
  ASSERT_TRUE(four_bits.ok()) << four_bits.status();
  const auto eight_bits = NewInt8Weight(int8.tensors());
  for (const bool with_bias : {false, true}) {
    for (const bool accumulate : {false, true}) {
      Check({"4 bits", four_bits->get(), DecodeGptq(gptq.tensors())}, {1, 9}, with_bias,
            accumulate);
      Check({"8 bits", eight_bits.get(), DecodeInt8(int8.tensors())}, {1, 9}, with_bias,
            accumulate);
    }
  }
}

TEST_P(QuantizedLinearTest, MatchesAtModelSizes) {
  // TinyLlama 1.1B; few outputs, since the reference is slow. A group of 5,632 outgrows a block.
  for (const std::int64_t in : {2048, 5632}) {
    const RandomGptq gptq(random_, {.bits = 4, .out = 40, .in = in, .group_size = -1});
    const auto whole = NewGptqWeight(gptq.tensors());
    ASSERT_TRUE(whole.ok()) << whole.status();
    Check({gptq.name(), whole->get(), DecodeGptq(gptq.tensors())}, {1, 32});
    const Matrix dense = Matrix::Random(40, in, random_, DType::kBF16);
    for (const RoundingKind kind : {RoundingKind::kInt8, RoundingKind::kInt4, RoundingKind::kNf4}) {
      const auto weight = RoundToNearest(dense.view(), kind);
      ASSERT_TRUE(weight.ok()) << weight.status();
      Check({RoundingKindName(kind), weight->get(), DecodeQuantizedWeight(**weight)}, {1, 13});
    }
  }
}

TEST_P(QuantizedLinearTest, NoTokensIsNoWork) {
  const RandomInt8 int8(random_, 5, 8);
  const auto packed = device_.PackWeight(*NewInt8Weight(int8.tensors()));
  ASSERT_TRUE(packed.ok()) << packed.status();
  EXPECT_EQ(Run(Matrix(0, 8), **packed, nullptr, Matrix(0, 5), false).rows(), 0);
}

// The contract of quantized_linear.h: the order of a sum depends on the weight alone.
TEST_P(QuantizedLinearTest, RowHasTheSameBitsAloneAndInAnyBatch) {
  const RandomGptq grouped(random_, {.bits = 4, .out = 104, .in = 320, .group_size = 64});
  const RandomGptq ordered(random_,
                           {.bits = 8, .out = 104, .in = 320, .group_size = 40, .act_order = true});
  const RandomBnb4 table(random_, {.out = 100, .in = 320, .block_size = 64});
  const RandomInt8 int8(random_, 100, 320);
  std::vector<std::unique_ptr<QuantizedWeight>> weights;
  weights.push_back(*NewGptqWeight(grouped.tensors()));
  weights.push_back(*NewGptqWeight(ordered.tensors()));
  weights.push_back(*NewBnb4Weight(table.tensors()));
  weights.push_back(NewInt8Weight(int8.tensors()));
  std::vector<std::unique_ptr<RandomGguf>> gguf;
  for (const GgufBlockType type : AllGgufBlockTypes()) {
    gguf.push_back(std::make_unique<RandomGguf>(random_, type, 70, 256));
    weights.push_back(*NewGgufWeight(gguf.back()->tensors()));
  }
  for (const auto& weight : weights) {
    SCOPED_TRACE(weight->layout().format);
    const auto packed = device_.PackWeight(*weight);
    ASSERT_TRUE(packed.ok()) << packed.status();
    const std::int64_t out = weight->layout().out;
    const Matrix x = Matrix::Random(391, weight->layout().in, random_);
    const Matrix all = Run(x, **packed, nullptr, Matrix(x.rows(), out), false);
    for (const RowRange& rows : RowRanges()) {
      const Matrix part =
          Run(x.Rows(rows.first, rows.count), **packed, nullptr, Matrix(rows.count, out), false);
      ASSERT_EQ(part.bytes(), all.Rows(rows.first, rows.count).bytes())
          << "rows " << rows.first << " to " << rows.first + rows.count;
    }
  }
}

// A table of any format looked up in any order, bit for bit its definition.
TEST_P(QuantizedLinearTest, LookedUpRowsAreTheDecodedOnes) {
  const RandomGptq grouped(random_, {.bits = 3, .out = 64, .in = 160, .group_size = 40});
  const RandomGptq ordered(random_,
                           {.bits = 4, .out = 104, .in = 96, .group_size = 32, .act_order = true});
  const RandomAwq offsets(random_, {.layout = AwqLayout::kGemvFast, .out = 72, .in = 256});
  const RandomBnb4 table(random_, {.out = 31, .in = 20, .block_size = 64});
  const RandomInt8 int8(random_, 33, 65);
  std::vector<std::unique_ptr<QuantizedWeight>> weights;
  weights.push_back(*NewGptqWeight(grouped.tensors()));
  weights.push_back(*NewGptqWeight(ordered.tensors()));
  weights.push_back(*NewAwqWeight(offsets.tensors()));
  weights.push_back(*NewBnb4Weight(table.tensors()));
  weights.push_back(NewInt8Weight(int8.tensors()));
  std::vector<std::unique_ptr<RandomGguf>> gguf;
  for (const GgufBlockType type : AllGgufBlockTypes()) {
    gguf.push_back(std::make_unique<RandomGguf>(random_, type, 70, 512, /*extreme=*/true));
    weights.push_back(*NewGgufWeight(gguf.back()->tensors()));
  }
  for (const auto& weight : weights) {
    SCOPED_TRACE(weight->layout().format);
    const auto packed = device_.PackWeight(*weight);
    ASSERT_TRUE(packed.ok()) << packed.status();
    const std::int64_t rows = weight->layout().out;
    const std::int64_t cols = weight->layout().in;
    const std::vector<float> decoded = DecodeQuantizedWeight(*weight);
    std::vector<std::int32_t> ids;
    for (std::int64_t i = 0; i < 2 * rows; ++i) {
      ids.push_back(static_cast<std::int32_t>(random_() % static_cast<std::uint32_t>(rows)));
    }
    const DeviceArray device_ids = Upload(ids);
    const DeviceMatrix out = Upload(Matrix(2 * rows, cols));
    device_.kernels().quantized_embed_rows(
        {.table = packed->get(), .ids = device_ids.as<std::int32_t>(), .out = out.view()},
        *stream_);
    const Matrix found = out.Download();
    for (std::int64_t t = 0; t < 2 * rows; ++t) {
      const std::int64_t row = ids[static_cast<std::size_t>(t)];
      for (std::int64_t i = 0; i < cols; ++i) {
        const float wanted = decoded[static_cast<std::size_t>(row * cols + i)];
        ASSERT_EQ(static_cast<float>(found.At(t, i)), wanted) << "row " << row << ", " << i;
      }
    }
  }
}

QUIRE_FOR_EVERY_ROUNDING(QuantizedLinearTest);

}  // namespace
}  // namespace quire::kernels
