#include "engine/formats/gguf_weights.h"

#include <gmock/gmock.h>

#include <cstring>

#include "engine/formats/checkpoint.h"
#include "tests/support/gguf_model.h"
#include "tests/support/quantized_tensors.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::GgufWriter;
using testing::IsOk;

const std::filesystem::path kFixtures = "tests/golden/engine/fixtures";

class GgufWeightsTest : public ::testing::Test {
 protected:
  StatusOr<std::unique_ptr<GgufWeights>> Open(const GgufWriter& writer) {
    testing::WriteFile(path(), writer.Bytes());
    return GgufWeights::Open(path());
  }
  std::string path() const { return (directory_.path() / "model.gguf").string(); }

  testing::TemporaryDirectory directory_;
};

// Every tensor of a checkpoint comes back bit for bit, q and k in their own order again.
TEST_F(GgufWeightsTest, GiveTheTensorsOfTheCheckpointTheyWereMadeFrom) {
  for (const char* name : {"llama_linear_biases", "qwen2"}) {
    for (const kernels::DType dtype :
         {kernels::DType::kF32, kernels::DType::kF16, kernels::DType::kBF16}) {
      const auto weights = Open(testing::GgufModel(kFixtures / name, dtype));
      ASSERT_THAT(weights, IsOk());
      const auto file = SafetensorsFile::Open((kFixtures / name / "model.safetensors").string());
      ASSERT_THAT(file, IsOk());
      for (const testing::TensorToWrite& tensor : testing::ConvertTensors(**file, dtype)) {
        SCOPED_TRACE(tensor.name);
        EXPECT_TRUE((*weights)->Contains(tensor.name));
        const auto found = (*weights)->Get(tensor.name, tensor.shape);
        ASSERT_THAT(found, IsOk());
        EXPECT_EQ(found->view.dtype, dtype);
        EXPECT_EQ(std::memcmp(found->view.data, tensor.bytes.data(), tensor.bytes.size()), 0);
      }
    }
  }
}

TEST_F(GgufWeightsTest, WeightsOutliveTheirSource) {
  auto weights = Open(
      GgufWriter().Tensor("output_norm.weight", GgufTensorType::kF32, {8}, std::string(32, 'w')));
  ASSERT_THAT(weights, IsOk());
  const std::vector<std::int64_t> shape = {8};
  const auto tensor = (*weights)->Get("model.norm.weight", shape);
  weights->reset();
  ASSERT_THAT(tensor, IsOk());
  EXPECT_EQ(std::string(static_cast<const char*>(tensor->view.data), 32), std::string(32, 'w'));
}

TEST_F(GgufWeightsTest, WrongTensorsAreNamed) {
  GgufWriter writer;
  writer.String("general.architecture", "llama").U32("llama.attention.head_count", 3);
  writer.Tensor("output_norm.weight", GgufTensorType::kF32, {8}, std::string(32, 'w'));
  writer.Tensor("token_embd.weight", GgufTensorType::kQ8_0, {1, 32}, std::string(34, 'w'));
  writer.Tensor("blk.0.attn_q.weight", GgufTensorType::kF32, {8, 1}, std::string(32, 'w'));
  const auto weights = Open(writer);
  ASSERT_THAT(weights, IsOk());
  const auto get = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    return (*weights)->Get(name, shape).status();
  };
  EXPECT_THAT(get("model.norm.weight", {9}),
              FailsWith(StatusCode::kDataLoss, "tensor output_norm.weight: wanted [9], have [8]"));
  EXPECT_THAT(get("lm_head.weight", {9}),
              FailsWith(StatusCode::kDataLoss, "tensor output.weight: wanted [9], have no such"));
  EXPECT_THAT(get("model.embed_tokens.weight", {1, 32}),
              FailsWith(StatusCode::kUnimplemented, "wanted F32, F16 or BF16, have Q8_0"));
  EXPECT_THAT(get("model.layers.0.self_attn.q_proj.weight", {8, 1}),
              FailsWith(StatusCode::kDataLoss, "wanted rows for 3 heads, have 8"));
  EXPECT_FALSE((*weights)->Contains("unknown.weight"));
}

// Rows of q and k in blocks come back in our order, those of other layers as they are.
TEST_F(GgufWeightsTest, QuantizedRowsComeInOurOrder) {
  std::mt19937 random(3);
  const testing::RandomGguf rows(random, kernels::GgufBlockType::kQ4_0, 8, 32);
  const std::string bytes(reinterpret_cast<const char*>(rows.tensors().blocks), 8 * 18);
  GgufWriter writer;
  writer.String("general.architecture", "llama").U32("llama.attention.head_count", 2);
  const std::string interleaved = testing::InterleaveHeads(bytes, 8, 2);
  ASSERT_NE(interleaved, bytes);
  writer.Tensor("blk.0.attn_q.weight", GgufTensorType::kQ4_0, {8, 32}, interleaved);
  writer.Tensor("blk.0.attn_v.weight", GgufTensorType::kQ4_0, {8, 32}, bytes);
  const auto weights = Open(writer);
  ASSERT_THAT(weights, IsOk());
  for (const char* name : {"q_proj", "v_proj"}) {
    const std::string layer = std::string("model.layers.0.self_attn.") + name;
    EXPECT_TRUE((*weights)->IsQuantized(layer));
    const auto linear = (*weights)->GetLinear(layer, 8, 32);
    ASSERT_THAT(linear, IsOk());
    ASSERT_NE(linear->quantized, nullptr);
    EXPECT_EQ(kernels::DecodeQuantizedWeight(*linear->quantized), DecodeGguf(rows.tensors()));
  }
}

// The types of the file and those of the kernels have the same blocks.
TEST(GgufBlockTypeTest, BlocksHaveTheSizesOfTheFile) {
  int known = 0;
  for (std::uint32_t number = 0; number < 64; ++number) {
    const auto traits = FindGgufType(number);
    if (!traits) continue;
    const auto type = BlockTypeOf(traits->type);
    if (!type) continue;
    ++known;
    const kernels::GgufBlockSize& size = kernels::SizeOf(*type);
    EXPECT_EQ(size.name, traits->name);
    EXPECT_EQ(size.inputs, traits->block_elements);
    EXPECT_EQ(size.bytes, traits->block_bytes);
  }
  EXPECT_EQ(known, kernels::kNumGgufBlockTypes);
}

TEST_F(GgufWeightsTest, WrongBlocksAreNamed) {
  GgufWriter writer;
  writer.String("general.architecture", "llama").U32("llama.attention.head_count", 3);
  writer.Tensor("output.weight", GgufTensorType::kIQ1_S, {1, 256}, std::string(50, 'w'));
  writer.Tensor("token_embd.weight", GgufTensorType::kQ6_K, {1, 256}, std::string(210, 'w'));
  writer.Tensor("blk.0.attn_q.weight", GgufTensorType::kQ4_0, {8, 32}, std::string(8 * 18, 'w'));
  const auto weights = Open(writer);
  ASSERT_THAT(weights, IsOk());
  EXPECT_THAT((*weights)->GetLinear("lm_head", 1, 256),
              FailsWith(StatusCode::kUnimplemented, "output.weight: wanted F32, F16, BF16, Q4_0"));
  EXPECT_THAT((*weights)->GetLinear("lm_head", 1, 256),
              FailsWith(StatusCode::kUnimplemented, "have IQ1_S"));
  EXPECT_THAT((*weights)->GetLinear("model.embed_tokens", 2, 256),
              FailsWith(StatusCode::kDataLoss, "wanted [2, 256], have [1, 256]"));
  EXPECT_THAT((*weights)->GetLinear("model.layers.0.self_attn.q_proj", 8, 32),
              FailsWith(StatusCode::kDataLoss, "wanted rows for 3 heads, have 8"));
  EXPECT_THAT((*weights)->GetLinear("model.layers.0.self_attn.k_proj", 8, 32),
              FailsWith(StatusCode::kDataLoss, "have no such tensor"));
}

TEST_F(GgufWeightsTest, DamagedBlocksAreRefusedWhenTheFileIsOpened) {
  GgufWriter parts;
  parts.Tensor("output.weight", GgufTensorType::kQ4_K, {2, 128}, std::string(144, 'w'));
  EXPECT_THAT(Open(parts), FailsWith(StatusCode::kDataLoss,
                                     "output.weight: wanted rows of a multiple of 256 elements"));
  GgufWriter cut;
  cut.RawTensor("output.weight", static_cast<std::uint32_t>(GgufTensorType::kQ6_K), {2, 256}, 0);
  testing::WriteFile(path(), cut.Bytes() + std::string(419, 'w'));
  EXPECT_THAT(GgufWeights::Open(path()), FailsWith(StatusCode::kDataLoss, "the file is truncated"));
}

TEST_F(GgufWeightsTest, SplitModelsAreRefused) {
  EXPECT_THAT(Open(GgufWriter().U32("split.count", 2)),
              FailsWith(StatusCode::kUnimplemented, "split.count"));
}

TEST(GgufTensorNameTest, FollowsTheConverters) {
  const auto llama = [](const char* name) { return GgufTensorName(name, "llama"); };
  EXPECT_EQ(llama("model.embed_tokens.weight"), "token_embd.weight");
  EXPECT_EQ(llama("model.layers.12.mlp.down_proj.weight"), "blk.12.ffn_down.weight");
  EXPECT_EQ(llama("model.layers.0.self_attn.k_proj.bias"), "blk.0.attn_k.bias");
  EXPECT_EQ(llama("model.layers.0.post_attention_layernorm.weight"), "blk.0.ffn_norm.weight");
  EXPECT_EQ(llama("embed_tokens.weight"), std::nullopt);
  EXPECT_EQ(llama("model.layers.0"), std::nullopt);
  EXPECT_EQ(llama("x"), std::nullopt);
}

TEST(GgufTensorNameTest, NormsAfterAttentionHaveTheNameThatOthersGiveToTheNextOne) {
  for (const char* family : {"gemma2", "gemma3"}) {
    const auto name = [&](const std::string& norm) {
      return GgufTensorName("model.layers.3." + norm + ".weight", family);
    };
    EXPECT_EQ(name("input_layernorm"), "blk.3.attn_norm.weight");
    EXPECT_EQ(name("post_attention_layernorm"), "blk.3.post_attention_norm.weight");
    EXPECT_EQ(name("pre_feedforward_layernorm"), "blk.3.ffn_norm.weight");
    EXPECT_EQ(name("post_feedforward_layernorm"), "blk.3.post_ffw_norm.weight");
    EXPECT_EQ(name("self_attn.q_norm"), "blk.3.attn_q_norm.weight");
  }
}

TEST(GgufTensorNameTest, FusedLayersAndThoseOfGpt2HaveNames) {
  EXPECT_EQ(GgufTensorName("model.layers.1.self_attn.qkv_proj.weight", "phi3"),
            "blk.1.attn_qkv.weight");
  EXPECT_EQ(GgufTensorName("model.layers.1.mlp.gate_up_proj.weight", "phi3"),
            "blk.1.ffn_up.weight");
  EXPECT_EQ(GgufTensorName("transformer.wpe.weight", "gpt2"), "position_embd.weight");
  EXPECT_EQ(GgufTensorName("transformer.h.10.attn.c_attn.bias", "gpt2"), "blk.10.attn_qkv.bias");
  EXPECT_EQ(GgufTensorName("transformer.ln_f.bias", "gpt2"), "output_norm.bias");
}

}  // namespace
}  // namespace quire::engine
