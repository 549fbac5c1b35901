#include "engine/formats/model_weights.h"

#include <gtest/gtest.h>

#include "engine/model/random_weights.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

TEST(ModelWeightsTest, PlainLayersAreQuantizedOnLoad) {
  const auto source = std::make_shared<const RandomWeights>(1);
  EXPECT_EQ(QuantizeOnLoad(source, {}), source);
  for (const auto kind :
       {kernels::RoundingKind::kInt8, kernels::RoundingKind::kInt4, kernels::RoundingKind::kNf4}) {
    const auto weights = QuantizeOnLoad(source, kind);
    EXPECT_TRUE(weights->quantizes_on_load());
    const auto linear = weights->GetLinear("model.layers.0.mlp.up_proj", 16, 64);
    ASSERT_THAT(linear, IsOk());
    ASSERT_NE(linear->quantized, nullptr);
    EXPECT_EQ(linear->quantized->layout().format, kernels::RoundingKindName(kind));
  }
}

TEST(ModelWeightsTest, TheOutputMatrixKeepsEightBits) {
  const auto weights =
      QuantizeOnLoad(std::make_shared<const RandomWeights>(1), kernels::RoundingKind::kNf4);
  for (const char* name : {"lm_head", "model.embed_tokens", "transformer.wte"}) {
    const auto linear = weights->GetLinear(name, 16, 64);
    ASSERT_THAT(linear, IsOk());
    EXPECT_EQ(linear->quantized->layout().format, "int8");
  }
}

// GPT-2's order of rows and columns, quantized on load too.
TEST(ModelWeightsTest, TransposedLayersComeInOurOrder) {
  const auto source = std::make_shared<const RandomWeights>(1);
  const std::int64_t stored_shape[] = {64, 16};
  const auto stored = source->Get("h.0.attn.c_proj.weight", stored_shape);
  ASSERT_THAT(stored, IsOk());
  const auto linear = source->GetTransposedLinear("h.0.attn.c_proj", 16, 64);
  ASSERT_THAT(linear, IsOk());
  const kernels::MatrixView& view = linear->plain.view;
  ASSERT_EQ(view.rows, 16);
  ASSERT_EQ(view.cols, 64);
  const auto* ours = static_cast<const std::uint16_t*>(view.data);
  const auto* theirs = static_cast<const std::uint16_t*>(stored->view.data);
  for (int row = 0; row < 16; ++row) {
    for (int col = 0; col < 64; ++col) {
      ASSERT_EQ(ours[row * view.row_stride + col], theirs[col * 16 + row]);
    }
  }
  const auto rounded = QuantizeOnLoad(source, kernels::RoundingKind::kInt8);
  const auto quantized = rounded->GetTransposedLinear("h.0.attn.c_proj", 16, 64);
  ASSERT_THAT(quantized, IsOk());
  ASSERT_NE(quantized->quantized, nullptr);
  EXPECT_EQ(kernels::DecodeQuantizedWeight(*quantized->quantized),
            kernels::DecodeQuantizedWeight(
                **kernels::RoundToNearest(view, kernels::RoundingKind::kInt8)));
}

TEST(ModelWeightsTest, EmbeddingTablesStayPlain) {
  const auto weights =
      QuantizeOnLoad(std::make_shared<const RandomWeights>(1), kernels::RoundingKind::kInt8);
  const std::int64_t shape[] = {16, 64};
  const auto table = weights->Get("model.embed_tokens.weight", shape);
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->view.dtype, kernels::DType::kBF16);
}

TEST(ModelWeightsTest, WhatIsStoredQuantizedIsNotQuantizedAgain) {
  QuantizationConfig stored;
  stored.method = QuantizationConfig::Method::kAwq;
  EXPECT_THAT(OpenModelWeights("somewhere", stored, kernels::RoundingKind::kInt4),
              testing::FailsWith(absl::StatusCode::kFailedPrecondition,
                                 "somewhere: quantize int4: wanted weights in F32, F16 or BF16, "
                                 "have awq already"));
}

}  // namespace
}  // namespace quire::engine
