// Tensors of every weight format against what its Python package makes of them, bit for bit; see
// make_references.py.

#include <gtest/gtest.h>

#include <filesystem>

#include "engine/formats/checkpoint.h"
#include "engine/formats/quantized_checkpoint.h"
#include "kernels/half.h"
#include "kernels/quant/bitsandbytes.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

const std::filesystem::path kFixtures = "tests/golden/quant/fixtures";

std::vector<std::string> FixtureNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFixtures)) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class DecodersTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    testing::WriteFile(directory_.path() / "model.safetensors",
                       testing::ReadWholeFile(kFixtures / (GetParam() + ".safetensors")));
    auto checkpoint = Checkpoint::Open(directory_.path());
    ASSERT_THAT(checkpoint, IsOk());
    checkpoint_ = *std::move(checkpoint);
  }

  QuantizationConfig Config() const {
    const std::string& text = checkpoint_->shards()[0]->metadata().at("quantization_config");
    const nlohmann::json json = nlohmann::json::parse(text);
    JsonFields fields(json, GetParam());
    QuantizationConfig config = ReadQuantizationConfig(fields, "");
    EXPECT_THAT(fields.status(), IsOk());
    return config;
  }

  testing::TemporaryDirectory directory_;
  std::shared_ptr<const Checkpoint> checkpoint_;
};

// [out, in] as the format's decoder gives them.
std::vector<float> Decode(const Checkpoint& checkpoint, const kernels::QuantizedWeight& weight) {
  const auto absmax = checkpoint.Stored("layer.SCB");
  if (!absmax.ok()) return kernels::DecodeQuantizedWeight(weight);
  // LLM.int8 rounds after each of two factors; codes and scales come down to one.
  const auto codes = checkpoint.Stored("layer.weight");
  EXPECT_THAT(codes, IsOk());
  return kernels::DecodeInt8({.out = weight.layout().out,
                              .in = weight.layout().in,
                              .codes = reinterpret_cast<const std::int8_t*>(codes->bytes.data()),
                              .absmax = reinterpret_cast<const float*>(absmax->bytes.data())});
}

TEST_P(DecodersTest, ValuesEqualThePackageBitForBit) {
  const auto expected = checkpoint_->Stored("expected");
  ASSERT_THAT(expected, IsOk());
  ASSERT_EQ(expected->shape.size(), 2u);
  const QuantizedCheckpoint weights(checkpoint_, Config());
  const auto linear = weights.GetLinear("layer", expected->shape[0], expected->shape[1]);
  ASSERT_THAT(linear, IsOk());
  ASSERT_NE(linear->quantized, nullptr);

  const std::vector<float> values = Decode(*checkpoint_, *linear->quantized);
  // The package rounds to the type it computes in; the decoder does not round.
  const kernels::DType dtype = *ToKernelDType(expected->dtype);
  const std::string bytes = testing::TensorBytes(values, dtype);
  ASSERT_EQ(bytes.size(), expected->bytes.size());
  const auto element_bytes = static_cast<std::size_t>(kernels::BytesPerElement(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t at = i * element_bytes;
    if (std::memcmp(bytes.data() + at, expected->bytes.data() + at, element_bytes) == 0) continue;
    float wanted = 0;
    kernels::ConvertToF32(dtype, expected->bytes.data() + at, &wanted, 1);
    // A zero has whatever sign.
    ASSERT_TRUE(wanted == 0.0f && values[i] == 0.0f)
        << "output " << i / static_cast<std::size_t>(expected->shape[1]) << ", input "
        << i % static_cast<std::size_t>(expected->shape[1]) << ": wanted " << wanted << ", have "
        << values[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, DecodersTest, ::testing::ValuesIn(FixtureNames()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace quire::engine
