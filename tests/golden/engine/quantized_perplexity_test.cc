// Perplexity of a trained model, quantized in every way, on stories that it has not been calibrated
// with: what each way may cost.

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/formats/safetensors.h"
#include "engine/quantization/quantize_model.h"
#include "kernels/quant/group_codes.h"
#include "tests/support/perplexity.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/sanitizers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using testing::IsOk;
using testing::Logprobs;
using testing::PerplexityOf;
using testing::ReadWholeFile;
using testing::Stories260k;

constexpr std::size_t kWindowTokens = 256;

std::filesystem::path Stories(const char* name) {
  return std::filesystem::path("tests/golden/engine/fixtures/stories") / name;
}

class QuantizedPerplexityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // A measurement: QuantizeModelTest runs the same code on less.
    if (testing::IsSanitized()) GTEST_SKIP() << "takes minutes under a sanitizer";
    QUIRE_SKIP_WITHOUT(Stories260k());
    auto device = kernels::FindDevice("cpu");
    ASSERT_THAT(device, IsOk());
    device_ = *std::move(device);
    plain_ = Perplexity(Stories260k());
  }

  double Perplexity(const std::string& path, std::optional<kernels::RoundingKind> quantize = {}) {
    const double perplexity = PerplexityOf(Logprobs(path, ReadWholeFile(Stories("evaluation.txt")),
                                                    kWindowTokens, *device_, quantize));
    RecordProperty("perplexity_" + std::to_string(count_++), std::to_string(perplexity));
    return perplexity;
  }
  // The perplexity of a checkpoint that is written and read.
  double Written(QuantizationMethod method, std::int32_t group_size = 0, bool act_order = false) {
    const std::string path =
        folder_.path() /
        fmt::format("{}-{}-{}", QuantizationMethodName(method), group_size, act_order);
    const auto result =
        QuantizeModel({.model_path = Stories260k(),
                       .output_path = path,
                       .method = method,
                       .calibration_text = ReadWholeFile(Stories("calibration.txt")),
                       .group_size = group_size,
                       .act_order = act_order},
                      *device_, 2, [](std::string_view, std::int64_t, std::int64_t) {});
    EXPECT_THAT(result, IsOk());
    return Perplexity(path);
  }

  // The perplexity of a copy whose matrices of attention are what `round` makes of them.
  template <typename Round>
  double Rounded(const Round& round) {
    const testing::TemporaryDirectory copy;
    testing::CopyWithoutWeights(Stories260k(), copy.path());
    const auto file = SafetensorsFile::Open(Stories260k() / "model.safetensors");
    EXPECT_THAT(file, IsOk());
    auto tensors = testing::ConvertTensors(**file, kernels::DType::kF32);
    for (testing::TensorToWrite& tensor : tensors) {
      if (tensor.name.find("self_attn") == std::string::npos) continue;
      std::vector<float> values(tensor.bytes.size() / sizeof(float));
      std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
      tensor.bytes = testing::TensorBytes(round(kernels::MatrixView{.data = values.data(),
                                                                    .rows = tensor.shape[0],
                                                                    .cols = tensor.shape[1],
                                                                    .row_stride = tensor.shape[1]}),
                                          kernels::DType::kF32);
    }
    testing::WriteFile(copy.path() / "model.safetensors", testing::SafetensorsBytes(tensors));
    return Perplexity(copy.path());
  }
  static std::vector<float> CopyOf(const kernels::MatrixView& weight) {
    const auto* values = static_cast<const float*>(weight.data);
    return {values, values + weight.rows * weight.cols};
  }
  static std::size_t Size(std::int32_t size) { return static_cast<std::size_t>(size); }

  const testing::TemporaryDirectory folder_;
  std::unique_ptr<kernels::Device> device_;
  double plain_ = 0;
  int count_ = 0;
};

TEST_F(QuantizedPerplexityTest, Int8IsNearlyFree) {
  EXPECT_LT(Perplexity(Stories260k(), kernels::RoundingKind::kInt8), 1.005 * plain_);
  EXPECT_LT(Written(QuantizationMethod::kInt8), 1.005 * plain_);
}

TEST_F(QuantizedPerplexityTest, Nf4IsNoWorseThanInt4InGroupsOfTheSameSize) {
  static_assert(kernels::kRoundingGroupSize == 64, "the block of bitsandbytes");
  const double int4 = Perplexity(Stories260k(), kernels::RoundingKind::kInt4);
  EXPECT_LE(Perplexity(Stories260k(), kernels::RoundingKind::kNf4), int4);
  EXPECT_LE(Written(QuantizationMethod::kNf4), int4);
  EXPECT_LT(int4, 1.2 * plain_);
}

// The same layers, those of attention, in the same groups: only the way of rounding differs.
TEST_F(QuantizedPerplexityTest, GptqAndAwqAreNoWorseThanRounding) {
  for (const std::int32_t group_size : {32, 64}) {
    const double symmetric = Rounded([&](const kernels::MatrixView& weight) {
      // The tests' own: scale = largest |w| / 7.
      std::vector<float> values = CopyOf(weight);
      for (std::size_t begin = 0; begin < values.size(); begin += Size(group_size)) {
        float largest = 1e-9f;
        for (std::size_t i = begin; i < begin + Size(group_size); ++i) {
          largest = std::max(largest, std::abs(values[i]));
        }
        for (std::size_t i = begin; i < begin + Size(group_size); ++i) {
          values[i] = std::nearbyint(values[i] * 7 / largest) * largest / 7;
        }
      }
      return values;
    });
    const double asymmetric = Rounded([&](const kernels::MatrixView& weight) {
      const kernels::GroupCodes codes = kernels::RoundGroups(weight, group_size);
      return kernels::DecodeQuantizedWeight(*kernels::NewGroupWeight(codes));
    });
    const double rounded = std::min(symmetric, asymmetric);
    EXPECT_GT(rounded, plain_);
    EXPECT_LE(Written(QuantizationMethod::kGptq, group_size), rounded) << group_size;
    EXPECT_LE(Written(QuantizationMethod::kGptq, group_size, /*act_order=*/true), rounded)
        << group_size;
    EXPECT_LE(Written(QuantizationMethod::kAwq, group_size), rounded) << group_size;
  }
}

}  // namespace
}  // namespace quire::engine
