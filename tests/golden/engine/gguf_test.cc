// GGUF files of a real trained model against its recorded text and its Hugging Face directory.

#include <gtest/gtest.h>

#include "engine/engine.h"
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

}  // namespace
}  // namespace quire::engine
