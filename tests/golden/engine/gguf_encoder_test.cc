// Tiny random BERT encoders in GGUF files, from texts to vectors, against what transformers
// computed in float64 on the dequantized weights; see make_gguf_encoder_references.py. On every
// device.

#include <gtest/gtest.h>

#include <tuple>

#include "engine/embedder.h"
#include "engine/formats/json_file.h"
#include "tests/support/devices.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

class GgufEncoderTest : public ::testing::TestWithParam<std::tuple<const char*, std::string>> {};

TEST_P(GgufEncoderTest, VectorsEqualTheReference) {
  const std::string folder = std::string("tests/golden/engine/fixtures/") + std::get<0>(GetParam());
  const auto device = kernels::FindDevice(std::get<1>(GetParam()));
  ASSERT_THAT(device, IsOk());
  EmbedderOptions options;
  options.model_path = folder + "/model.gguf";
  const auto embedder = Embedder::Create(options, **device);
  ASSERT_THAT(embedder, IsOk());
  EXPECT_EQ((*embedder)->max_tokens(), 48);
  const auto expected = ReadJsonFile(folder + "/expected.json");
  ASSERT_THAT(expected, IsOk());

  const auto texts = (*expected)["texts"].get<std::vector<std::string>>();
  const auto batch = (*embedder)->Embed(texts, /*truncate=*/true);
  ASSERT_THAT(batch, IsOk());
  EXPECT_EQ(batch->num_tokens, (*expected)["num_tokens"].get<std::vector<std::int32_t>>());
  ASSERT_EQ(batch->dimension, 64);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto vector = (*expected)["vectors"][i].get<std::vector<double>>();
    for (std::size_t j = 0; j < 64; ++j) {
      ASSERT_NEAR(batch->values[i * 64 + j], vector[j], 1e-5) << texts[i] << " " << j;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GgufEncoderTest,
                         ::testing::Combine(::testing::Values("gguf_bert", "gguf_bert_f16"),
                                            ::testing::ValuesIn(testing::DeviceNames())),
                         testing::ModelAndDeviceName);

}  // namespace
}  // namespace quire::engine
