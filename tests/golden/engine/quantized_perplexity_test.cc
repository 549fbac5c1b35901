// Perplexity of a trained model, quantized in every way, on stories that it has not been calibrated
// with: what each way may cost.

#include <gmock/gmock.h>

#include <map>

#include "engine/quantization/quantize_model.h"
#include "tests/support/devices.h"
#include "tests/support/perplexity.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using testing::IsOk;
using testing::Logprobs;
using testing::PerplexityOf;
using testing::ReadWholeFile;
using testing::Stories260k;

constexpr std::size_t kWindowTokens = 256;

std::filesystem::path Fixture(const char* name) {
  return std::filesystem::path("tests/golden/engine/fixtures/stories") / name;
}

class QuantizedPerplexityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    QUIRE_SKIP_WITHOUT(Stories260k());
    auto device = kernels::FindDevice("cpu");
    ASSERT_THAT(device, IsOk());
    device_ = *std::move(device);
    plain_ = Perplexity(Stories260k());
  }

  double Perplexity(const std::string& path, std::optional<kernels::RoundingKind> quantize = {}) {
    const double perplexity = PerplexityOf(
        Logprobs(path, ReadWholeFile(Fixture("evaluation.txt")), kWindowTokens, *device_, quantize));
    RecordProperty("perplexity_" + std::to_string(count_++), std::to_string(perplexity));
    return perplexity;
  }
  // The perplexity of a written checkpoint.
  double Written(QuantizationMethod method, bool act_order = false) {
    const std::string path = folder_.path() / fmt::format("{}{}", QuantizationMethodName(method), act_order);
    const auto result =
        QuantizeModel({.model_path = Stories260k(),
                       .output_path = path,
                       .method = method,
                       .calibration_text = ReadWholeFile(Fixture("calibration.txt")),
                       .act_order = act_order},
                      *device_, 2, [](std::string_view, std::int64_t, std::int64_t) {});
    EXPECT_THAT(result, IsOk());
    return Perplexity(path);
  }

  const testing::TemporaryDirectory folder_;
  std::unique_ptr<kernels::Device> device_;
  double plain_ = 0;
  int count_ = 0;
};

TEST_F(QuantizedPerplexityTest, OnLoadInt8IsNearlyFree) {
  EXPECT_LT(Perplexity(Stories260k(), kernels::RoundingKind::kInt8), 1.005 * plain_);
}

TEST_F(QuantizedPerplexityTest, WrittenInt8IsNearlyFree) {
  EXPECT_LT(Written(QuantizationMethod::kInt8), 1.005 * plain_);
}

}  // namespace
}  // namespace quire::engine
