// all-MiniLM-L6-v2 against vectors that transformers computed in float64; see make_references.py.
// The weights are not ours to ship: QUIRE_TEST_MINILM names their directory.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "engine/embedder.h"
#include "engine/formats/json_file.h"
#include "tests/support/devices.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

class MiniLmTest : public ::testing::TestWithParam<std::string> {};

TEST_P(MiniLmTest, VectorsEqualTheReference) {
  const char* directory = std::getenv("QUIRE_TEST_MINILM");
  if (directory == nullptr) GTEST_SKIP() << "QUIRE_TEST_MINILM is not set: this check did not run";
  const auto device = kernels::FindDevice(GetParam());
  ASSERT_THAT(device, IsOk());
  EmbedderOptions options;
  options.model_path = directory;
  const auto embedder = Embedder::Create(options, **device);
  ASSERT_THAT(embedder, IsOk());
  EXPECT_EQ((*embedder)->dimension(), 384);
  EXPECT_EQ((*embedder)->max_tokens(), 256);

  const auto expected = ReadJsonFile("tests/golden/engine/fixtures/minilm.json");
  ASSERT_THAT(expected, IsOk());
  std::vector<std::string> texts;
  for (const auto& entry : *expected) texts.push_back(entry["text"]);
  const auto batch = (*embedder)->Embed(texts, /*truncate=*/true);
  ASSERT_THAT(batch, IsOk());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const nlohmann::json& entry = (*expected)[i];
    EXPECT_EQ(batch->num_tokens[i], entry["num_tokens"].get<int>()) << texts[i];
    double cosine = 0.0;
    for (std::size_t j = 0; j < 384; ++j) {
      const double value = batch->values[i * 384 + j];
      EXPECT_NEAR(value, entry["vector"][j].get<double>(), 1e-5) << texts[i] << " " << j;
      cosine += value * entry["vector"][j].get<double>();
    }
    EXPECT_GE(cosine, 0.9999) << texts[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, MiniLmTest, ::testing::ValuesIn(testing::DeviceNames()),
                         [](const auto& device) { return testing::TestName(device.param); });

}  // namespace
}  // namespace quire::engine
