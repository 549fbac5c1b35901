// Tiny static embedding models against the vectors that sentence-transformers and model2vec
// computed from the same files; see make_static_references.py.

#include <gtest/gtest.h>

#include <cmath>

#include "engine/embedder.h"
#include "engine/formats/json_file.h"
#include "tests/support/devices.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

class StaticModelTest : public ::testing::TestWithParam<std::tuple<const char*, std::string>> {};

TEST_P(StaticModelTest, VectorsEqualTheReference) {
  const auto& [name, device_name] = GetParam();
  const auto device = kernels::FindDevice(device_name);
  ASSERT_THAT(device, IsOk());
  EmbedderOptions options;
  options.model_path = std::string("tests/golden/engine/fixtures/") + name;
  const auto embedder = Embedder::Create(options, **device);
  ASSERT_THAT(embedder, IsOk());
  ASSERT_EQ((*embedder)->dimension(), 16);

  const auto expected = ReadJsonFile(options.model_path + "/expected.json");
  ASSERT_THAT(expected, IsOk());
  std::vector<std::string> texts;
  for (const auto& entry : *expected) texts.push_back(entry["text"]);
  const auto batch = (*embedder)->Embed(texts, /*truncate=*/true);
  ASSERT_THAT(batch, IsOk());
  ASSERT_EQ(batch->values.size(), texts.size() * 16);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t j = 0; j < 16; ++j) {
      const double value = (*expected)[i]["vector"][j].get<double>();
      EXPECT_NEAR(batch->values[i * 16 + j], value, 1e-5 * std::max(1.0, std::abs(value)))
          << "text " << i << " element " << j;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, StaticModelTest,
                         ::testing::Combine(::testing::Values("static", "static_f16", "model2vec"),
                                            ::testing::ValuesIn(testing::DeviceNames())),
                         testing::ModelAndDeviceName);

}  // namespace
}  // namespace quire::engine
