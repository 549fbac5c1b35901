#include "engine/formats/quantized_checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::IsOk;
using testing::TensorToWrite;

// A layer of the golden tests, whose tensors a test changes before it reads them.
class QuantizedCheckpointTest : public ::testing::Test {
 protected:
  void Load(const std::string& fixture) {
    const auto file =
        SafetensorsFile::Open("tests/golden/quant/fixtures/" + fixture + ".safetensors");
    ASSERT_THAT(file, IsOk());
    const nlohmann::json json =
        nlohmann::json::parse((*file)->metadata().at("quantization_config"));
    JsonFields fields(json, fixture);
    config_ = ReadQuantizationConfig(fields, "");
    ASSERT_THAT(fields.status(), IsOk());
    tensors_.clear();
    for (const TensorInfo& tensor : (*file)->tensors()) {
      const auto bytes = (*file)->bytes(tensor);
      if (tensor.name == "expected") {
        shape_ = tensor.shape;
        continue;
      }
      tensors_.push_back({.name = tensor.name,
                          .dtype = std::string(TensorDTypeName(tensor.dtype)),
                          .shape = tensor.shape,
                          .bytes = std::string(bytes.begin(), bytes.end())});
    }
  }

  TensorToWrite& Tensor(const std::string& suffix) {
    for (TensorToWrite& tensor : tensors_) {
      if (tensor.name == "layer." + suffix) return tensor;
    }
    ADD_FAILURE() << "no tensor " << suffix;
    return tensors_.front();
  }
  void Remove(const std::string& suffix) {
    std::erase_if(tensors_, [&](const auto& tensor) { return tensor.name == "layer." + suffix; });
  }
  void SetText(const std::string& suffix, const std::string& text) {
    Tensor(suffix).bytes = text;
    Tensor(suffix).shape = {static_cast<std::int64_t>(text.size())};
  }

  StatusOr<LinearTensor> Read(std::size_t padding = 0) {
    testing::WriteFile(directory_.path() / "model.safetensors",
                       testing::SafetensorsBytes(tensors_, padding));
    QUIRE_ASSIGN_OR_RETURN(auto checkpoint, Checkpoint::Open(directory_.path()));
    const QuantizedCheckpoint weights(std::move(checkpoint), config_);
    return weights.GetLinear("layer", shape_[0], shape_[1]);
  }

  // Loads the fixture, tells the lie and expects DATA_LOSS with all of these in its one line.
  void ExpectRefused(const std::string& fixture, const std::function<void()>& lie,
                     const std::string& tensor, const std::string& reason) {
    Load(fixture);
    ASSERT_THAT(Read(), IsOk());
    lie();
    const auto linear = Read();
    EXPECT_THAT(linear, FailsWith(StatusCode::kDataLoss, reason));
    EXPECT_NE(Message(linear.status()).find(tensor), std::string::npos) << linear.status();
    EXPECT_EQ(Message(linear.status()).find('\n'), std::string::npos) << linear.status();
  }

  testing::TemporaryDirectory directory_;
  QuantizationConfig config_;
  std::vector<std::int64_t> shape_;  // [out, in]
  std::vector<TensorToWrite> tensors_;
};

TEST_F(QuantizedCheckpointTest, APlainWeightIsOne) {
  Load("gptq4");
  tensors_ = {
      {.name = "layer.weight",
       .dtype = "F32",
       .shape = {2, 2},
       .bytes = testing::TensorBytes(std::vector<float>{1, 2, 3, 4}, kernels::DType::kF32)}};
  shape_ = {2, 2};
  const auto linear = Read();
  ASSERT_THAT(linear, IsOk());
  EXPECT_EQ(linear->quantized, nullptr);
  EXPECT_EQ(static_cast<const float*>(linear->plain.view.data)[3], 4.0f);
}

TEST_F(QuantizedCheckpointTest, TheWeightOutlivesItsCheckpointAndReadsAnyAlignment) {
  Load("gptq4");
  const auto aligned = Read();
  ASSERT_THAT(aligned, IsOk());
  const std::vector<float> wanted = kernels::DecodeQuantizedWeight(*aligned->quantized);
  for (std::size_t padding = 1; padding < 8; ++padding) {
    const auto linear = Read(padding);
    ASSERT_THAT(linear, IsOk());
    EXPECT_EQ(kernels::DecodeQuantizedWeight(*linear->quantized), wanted) << padding;
  }
}

TEST_F(QuantizedCheckpointTest, GroupsInOrderNeedNoIndex) {
  Load("gptq4");
  const std::vector<float> wanted = kernels::DecodeQuantizedWeight(*Read()->quantized);
  Remove("g_idx");
  const auto linear = Read();
  ASSERT_THAT(linear, IsOk());
  EXPECT_EQ(kernels::DecodeQuantizedWeight(*linear->quantized), wanted);
}

TEST_F(QuantizedCheckpointTest, LiesOfGptqAreNamed) {
  ExpectRefused(
      "gptq4", [&] { Remove("qzeros"); }, "layer.qzeros", "no such tensor");
  ExpectRefused(
      "gptq4",
      [&] {
        Tensor("qweight").shape = {4, 64};
      },
      "layer.qweight", "[8, 32]");
  ExpectRefused(
      "gptq4", [&] { Tensor("qweight").dtype = "F32"; }, "layer.qweight", "have F32");
  ExpectRefused(
      "gptq4", [&] { Tensor("scales").dtype = "I16"; }, "layer.scales", "have I16");
  ExpectRefused(
      "gptq4", [&] { config_.gptq.group_size = 64; }, "layer.qzeros", "wanted [1, 4]");
  ExpectRefused(
      "gptq4", [&] { config_.gptq.bits = 8; }, "layer.qweight", "wanted [16, 32]");
  ExpectRefused(
      "gptq4",
      [&] {
        shape_ = {32, 60};
      },
      "layer.qweight", "multiples of 8");
  ExpectRefused(
      "gptq3",
      [&] {
        shape_ = {24, 64};
      },
      "layer.qweight", "multiples of 32");
  for (const std::int32_t group : {-1, 2, 1 << 30}) {
    ExpectRefused(
        "gptq4", [&] { std::memcpy(Tensor("g_idx").bytes.data() + 4 * 63, &group, sizeof(group)); },
        "layer.qweight", "g_idx[63]");
  }
}

TEST_F(QuantizedCheckpointTest, LiesOfAwqAreNamed) {
  ExpectRefused(
      "awq_gemm_64", [&] { Remove("scales"); }, "layer.scales", "no such tensor");
  ExpectRefused(
      "awq_gemm_64", [&] { config_.awq_group_size = 48; }, "layer.", "have");
  ExpectRefused(
      "awq_gemm_64", [&] { config_.awq_layout = kernels::AwqLayout::kGemv; }, "layer.qweight",
      "wanted [16, 16]");
  ExpectRefused(
      "awq_gemv_64",
      [&] {
        Tensor("qzeros").shape = {16, 1};
      },
      "layer.qzeros", "wanted [8, 2]");
  ExpectRefused(
      "awq_gemv_fast_64", [&] { Tensor("qzeros").dtype = "BF16"; }, "layer.qzeros", "wanted f16");
}

TEST_F(QuantizedCheckpointTest, ZeroPointsOfAwqMayBeAbsent) {
  Load("awq_gemm_64");
  Remove("qzeros");
  const auto linear = Read();
  ASSERT_THAT(linear, IsOk());
  EXPECT_EQ(linear->quantized->layout().shift, kernels::CodeShift::kConstantZero);
  EXPECT_EQ(linear->quantized->layout().constant_zero, 8.0f);
}

TEST_F(QuantizedCheckpointTest, LiesOfBitsAndBytesAreNamed) {
  const std::string state = "weight.quant_state.bitsandbytes__nf4";
  const auto set_state = [&](const std::string& text) { SetText(state, text); };
  ExpectRefused(
      "nf4", [&] { Remove(state); }, state, "no such tensor");
  ExpectRefused(
      "nf4", [&] { set_state("{"); }, state, "invalid JSON");
  ExpectRefused(
      "nf4", [&] { set_state("[1]"); }, state, "wanted an object");
  ExpectRefused(
      "nf4", [&] { set_state(std::string(1 << 17, ' ')); }, state, "at most 65536");
  ExpectRefused(
      "nf4", [&] { set_state(R"({"shape": [32, 64]})"); }, state, "blocksize");
  ExpectRefused(
      "nf4", [&] { set_state(R"({"blocksize": 0, "shape": [32, 64]})"); }, state, "blocksize");
  ExpectRefused(
      "nf4", [&] { set_state(R"({"blocksize": 64, "shape": [64, 32]})"); }, state, "[32, 64]");
  ExpectRefused(
      "nf4", [&] { set_state(R"({"blocksize": 32, "shape": [32, 64]})"); }, "layer.weight.absmax",
      "wanted [64]");
  ExpectRefused(
      "nf4", [&] { set_state(R"({"quant_type": "fp4", "blocksize": 64, "shape": [32, 64]})"); },
      state, "quant_type");
  ExpectRefused(
      "nf4",
      [&] {
        Tensor("weight.quant_map").shape = {4, 4};
      },
      "layer.weight.quant_map", "wanted [16]");
  ExpectRefused(
      "nf4",
      [&] {
        const float nan = std::nanf("");
        std::memcpy(Tensor("weight.quant_map").bytes.data(), &nan, sizeof(nan));
      },
      "layer.weight.quant_map", "finite");
  ExpectRefused(
      "nf4",
      [&] {
        shape_ = {32, 128};
      },
      state, "[32, 128]");
  ExpectRefused(
      "nf4_nested", [&] { Tensor("weight.absmax").dtype = "I8"; }, "layer.weight.absmax",
      "wanted U8");
  ExpectRefused(
      "nf4_nested", [&] { Remove("weight.nested_quant_map"); }, "layer.weight.nested_quant_map",
      "no such tensor");
}

TEST_F(QuantizedCheckpointTest, LiesOfInt8AreNamed) {
  ExpectRefused(
      "int8", [&] { Tensor("weight").dtype = "U8"; }, "layer.weight", "wanted I8");
  ExpectRefused(
      "int8",
      [&] {
        Tensor("SCB").shape = {33, 1};
      },
      "layer.SCB", "wanted [33]");
  Load("int8");
  tensors_.push_back({.name = "layer.weight_format", .dtype = "U8", .shape = {}, .bytes = "\x02"});
  EXPECT_THAT(Read(), FailsWith(StatusCode::kUnimplemented, "layer.weight_format"));
  tensors_.back().bytes = std::string(1, '\0');
  EXPECT_THAT(Read(), IsOk());
}

}  // namespace
}  // namespace quire::engine
