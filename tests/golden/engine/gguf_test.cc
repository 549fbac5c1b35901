// GGUF files of a real trained model against its recorded text and its Hugging Face directory.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/engine.h"
#include "kernels/half.h"
#include "kernels/quant/gguf_blocks.h"
#include "tests/support/engine_requests.h"
#include "tests/support/gguf_model.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::Collected;
using testing::GreedyRequest;
using testing::IsOk;
using testing::Stories260k;

Collected Generate(const std::filesystem::path& model, int num_tokens) {
  const auto device = kernels::FindDevice("");
  EXPECT_THAT(device, IsOk());
  EngineOptions options;
  options.model_path = model;
  const auto engine = Engine::Create(options, **device);
  EXPECT_THAT(engine, IsOk());
  if (!engine.ok()) return {};
  Request request = GreedyRequest({1}, num_tokens);
  request.num_logprobs = 0;
  return testing::RunRequest(**engine, request);
}

TEST(GgufModelTest, GreedyTextEqualsThePublishedOne) {
  QUIRE_SKIP_WITHOUT(Stories260k());
  const Collected result = Generate(Stories260k() / "stories260k-f32.gguf", 255);
  ASSERT_THAT(result.status, IsOk());
  EXPECT_EQ(result.output.text + "\n", testing::ReadWholeFile(Stories260k() / "greedy.txt"));
}

// The same numbers in both formats give the same log-probabilities, bit for bit.
TEST(GgufModelTest, HalfPrecisionEqualsTheSameWeightsInSafetensors) {
  QUIRE_SKIP_WITHOUT(Stories260k());
  const auto original = GgufFile::Open((Stories260k() / "stories260k-f32.gguf").string());
  ASSERT_THAT(original, IsOk());
  const auto checkpoint = SafetensorsFile::Open((Stories260k() / "model.safetensors").string());
  ASSERT_THAT(checkpoint, IsOk());
  for (const kernels::DType dtype : {kernels::DType::kF16, kernels::DType::kBF16}) {
    const testing::TemporaryDirectory copy;
    testing::CopyWithoutWeights(Stories260k(), copy.path());
    testing::WriteFile(copy.path() / "model.safetensors",
                       testing::SafetensorsBytes(testing::ConvertTensors(**checkpoint, dtype)));
    testing::GgufWriter writer;
    testing::CopyMetadata((*original)->metadata(), writer);
    for (const GgufTensor& tensor : (*original)->tensors()) {
      std::vector<float> values(tensor.size_bytes() / sizeof(float));
      std::memcpy(values.data(), (*original)->bytes(tensor).data(), tensor.size_bytes());
      writer.Tensor(tensor.name, testing::GgufType(dtype),
                    {tensor.shape.begin(), tensor.shape.end()},
                    testing::TensorBytes(values, dtype));
    }
    testing::WriteFile(copy.path() / "half.gguf", writer.Bytes());
    const Collected expected = Generate(copy.path(), 64);
    const Collected result = Generate(copy.path() / "half.gguf", 64);
    ASSERT_THAT(expected.status, IsOk());
    ASSERT_THAT(result.status, IsOk());
    EXPECT_EQ(result.output.ids, expected.output.ids);
    ASSERT_EQ(result.output.logprobs.size(), expected.output.logprobs.size());
    for (std::size_t i = 0; i < result.output.logprobs.size(); ++i) {
      EXPECT_EQ(result.output.logprobs[i].token.logprob, expected.output.logprobs[i].token.logprob);
    }
  }
}

// Rows of 32 weights a block, each rounded to the nearest of 255 multiples of its scale.
std::string RoundToQ8_0(const std::vector<float>& values) {
  std::string blocks;
  for (std::size_t first = 0; first < values.size(); first += 32) {
    float largest = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      largest = std::max(largest, std::abs(values[first + i]));
    }
    const std::uint16_t scale = kernels::F32ToF16(largest / 127.0f);
    blocks += testing::GgufWriter::Number(scale, 2);
    const float step = kernels::F16ToF32(scale);
    for (std::size_t i = 0; i < 32; ++i) {
      const float code = step == 0 ? 0 : std::round(values[first + i] / step);
      blocks += static_cast<char>(static_cast<std::int8_t>(std::clamp(code, -127.0f, 127.0f)));
    }
  }
  return blocks;
}

// A trained model in blocks, where its rows are whole ones, against the weights that those stand
// for in a plain file: table, output matrix and layers, through the whole engine.
TEST(GgufModelTest, BlocksEqualTheNumbersTheyStandFor) {
  QUIRE_SKIP_WITHOUT(Stories260k());
  const auto original = GgufFile::Open((Stories260k() / "stories260k-f32.gguf").string());
  ASSERT_THAT(original, IsOk());
  testing::GgufWriter in_blocks;
  testing::GgufWriter plain;
  testing::CopyMetadata((*original)->metadata(), in_blocks);
  testing::CopyMetadata((*original)->metadata(), plain);
  int num_quantized = 0;
  for (const GgufTensor& tensor : (*original)->tensors()) {
    std::vector<float> values(tensor.size_bytes() / sizeof(float));
    std::memcpy(values.data(), (*original)->bytes(tensor).data(), tensor.size_bytes());
    const std::vector<std::uint64_t> shape = {tensor.shape.begin(), tensor.shape.end()};
    if (shape.size() == 2 && shape[1] % 32 == 0) {
      ++num_quantized;
      const std::string blocks = RoundToQ8_0(values);
      values =
          kernels::DecodeGguf({.type = kernels::GgufBlockType::kQ8_0,
                               .out = tensor.shape[0],
                               .in = tensor.shape[1],
                               .blocks = reinterpret_cast<const std::uint8_t*>(blocks.data())});
      in_blocks.Tensor(tensor.name, GgufTensorType::kQ8_0, shape, blocks);
    } else {
      in_blocks.Tensor(tensor.name, GgufTensorType::kF32, shape,
                       testing::TensorBytes(values, kernels::DType::kF32));
    }
    plain.Tensor(tensor.name, GgufTensorType::kF32, shape,
                 testing::TensorBytes(values, kernels::DType::kF32));
  }
  EXPECT_GT(num_quantized, 30);
  const testing::TemporaryDirectory directory;
  testing::WriteFile(directory.path() / "blocks.gguf", in_blocks.Bytes());
  testing::WriteFile(directory.path() / "plain.gguf", plain.Bytes());
  const Collected expected = Generate(directory.path() / "plain.gguf", 255);
  const Collected result = Generate(directory.path() / "blocks.gguf", 255);
  ASSERT_THAT(expected.status, IsOk());
  ASSERT_THAT(result.status, IsOk());
  EXPECT_EQ(result.output.text, expected.output.text);
  ASSERT_EQ(result.output.logprobs.size(), expected.output.logprobs.size());
  for (std::size_t i = 0; i < result.output.logprobs.size(); ++i) {
    EXPECT_NEAR(result.output.logprobs[i].token.logprob, expected.output.logprobs[i].token.logprob,
                1e-3)
        << i;
  }
}

}  // namespace
}  // namespace quire::engine
