#include "engine/model/gguf_config.h"

#include <gmock/gmock.h>

#include "engine/model/rope_frequencies.h"
#include "tests/support/gguf_model.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using testing::FailsWith;
using testing::GgufWriter;
using testing::IsOk;

const std::filesystem::path kConfigFixtures = "tests/golden/engine/fixtures";

class GgufConfigTest : public ::testing::Test {
 protected:
  StatusOr<ModelConfig> Load(const GgufWriter& writer) {
    const std::string path = (directory_.path() / "model.gguf").string();
    testing::WriteFile(path, writer.Bytes());
    return LoadModelConfig(path);
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(GgufConfigTest, EqualsTheConfigurationOfTheSameModel) {
  for (const char* name : {"llama_linear_biases", "qwen2"}) {
    SCOPED_TRACE(name);
    const auto from_json = LoadModelConfig((kConfigFixtures / name).string());
    ASSERT_THAT(from_json, IsOk());
    const auto from_gguf = Load(testing::GgufModel(kConfigFixtures / name, kernels::DType::kF32));
    ASSERT_THAT(from_gguf, IsOk());
    EXPECT_EQ(from_gguf->architecture, from_json->architecture);
    EXPECT_EQ(from_gguf->num_layers, from_json->num_layers);
    EXPECT_EQ(from_gguf->num_heads, from_json->num_heads);
    EXPECT_EQ(from_gguf->num_kv_heads, from_json->num_kv_heads);
    EXPECT_EQ(from_gguf->head_dim, from_json->head_dim);
    EXPECT_EQ(from_gguf->hidden_size, from_json->hidden_size);
    EXPECT_EQ(from_gguf->intermediate_size, from_json->intermediate_size);
    EXPECT_EQ(from_gguf->vocab_size, from_json->vocab_size);
    EXPECT_EQ(from_gguf->max_position_embeddings, from_json->max_position_embeddings);
    EXPECT_EQ(from_gguf->norm_epsilon, from_json->norm_epsilon);
    EXPECT_EQ(from_gguf->rope_theta, from_json->rope_theta);
    EXPECT_EQ(from_gguf->tie_word_embeddings, from_json->tie_word_embeddings);
    EXPECT_EQ(from_gguf->attention_bias, from_json->attention_bias);
    EXPECT_EQ(from_gguf->mlp_bias, from_json->mlp_bias);
  }
}

// What converters need at least, for a model of one head of 4.
GgufWriter Smallest(const std::string& family = "llama") {
  GgufWriter writer;
  writer.String("general.architecture", family).U32(family + ".embedding_length", 4);
  writer.U32(family + ".block_count", 1).U32(family + ".feed_forward_length", 8);
  writer.U32(family + ".context_length", 16).U32(family + ".attention.head_count", 1);
  return writer;
}
GgufWriter& WithEmbedding(GgufWriter& writer) {
  return writer.Tensor("token_embd.weight", GgufTensorType::kF32, {3, 4}, std::string(48, '\0'));
}
GgufWriter ForFamily(const std::string& family) {
  GgufWriter writer = Smallest(family);
  writer.U32(family + ".attention.key_length", 4).U32(family + ".attention.head_count_kv", 1);
  return WithEmbedding(writer);
}

TEST_F(GgufConfigTest, TokensThatEndATurnAreFoundByKeyAndText) {
  GgufWriter writer = Smallest();
  writer.U32("tokenizer.ggml.bos_token_id", 0).U32("tokenizer.ggml.eos_token_id", 1);
  writer.Strings("tokenizer.ggml.tokens", {"<s>", "</s>", "<|eot_id|>"});
  writer.I32s("tokenizer.ggml.token_type", {3, 3, 3});
  const auto config = Load(WithEmbedding(writer));
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->bos_token_id, 0);
  EXPECT_THAT(config->eos_token_ids, ElementsAre(1, 2));
}

TEST_F(GgufConfigTest, RopeFactorsDivideTheFrequencies) {
  GgufWriter writer = Smallest();
  const std::vector<float> factors = {1.0f, 8.0f};
  WithEmbedding(writer).Tensor("rope_freqs.weight", GgufTensorType::kF32, {2},
                               testing::TensorBytes(factors, kernels::DType::kF32));
  const auto config = Load(writer);
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(RopeInverseFrequencies(*config), ElementsAre(1.0f, 0.01f / 8.0f));
}

// Converters add one to the norms of Gemma and turn GPT-2's matrices.
TEST_F(GgufConfigTest, ConvertersHaveDoneWhatTheConfigurationOfACheckpointAsksFor) {
  const auto gemma = Load(ForFamily("gemma2"));
  ASSERT_THAT(gemma, IsOk());
  EXPECT_EQ(gemma->architecture, "Gemma2ForCausalLM");
  EXPECT_EQ(gemma->norm_weight_offset, 0.0f);
  EXPECT_EQ(gemma->attention_scale, 0.5f);  // of a head of 4
  EXPECT_EQ(gemma->embedding_scale, 2.0f);
  EXPECT_EQ(gemma->logit_soft_cap, 30.0f);
  const auto gpt2 = Load(ForFamily("gpt2"));
  ASSERT_THAT(gpt2, IsOk());
  EXPECT_FALSE(gpt2->layout.has_transposed_weights);
  EXPECT_EQ(gpt2->rotary_dim, 0);
  EXPECT_EQ(gpt2->intermediate_size, 8);
  EXPECT_TRUE(gpt2->attention_bias);
}

TEST_F(GgufConfigTest, TheLargestGemmasScaleScoresByTheHiddenSize) {
  GgufWriter writer;
  writer.String("general.architecture", "gemma3").U32("gemma3.embedding_length", 32);
  writer.U32("gemma3.block_count", 62).U32("gemma3.feed_forward_length", 8);
  writer.U32("gemma3.context_length", 16).U32("gemma3.attention.head_count", 2);
  writer.U32("gemma3.attention.head_count_kv", 1).U32("gemma3.attention.key_length", 4);
  const auto config = Load(WithEmbedding(writer));
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->attention_scale, 0.25f);
}

TEST_F(GgufConfigTest, LongRopeIsAPairOfTensors) {
  const auto factors = [](std::vector<float> values) {
    return testing::TensorBytes(values, kernels::DType::kF32);
  };
  GgufWriter writer = ForFamily("phi3");
  writer.U32("phi3.rope.scaling.original_context_length", 8);
  writer.F32("phi3.rope.scaling.attn_factor", 1.25f);
  writer.Tensor("rope_factors_short.weight", GgufTensorType::kF32, {2}, factors({1.0f, 2.0f}));
  GgufWriter single = writer;
  writer.Tensor("rope_factors_long.weight", GgufTensorType::kF32, {2}, factors({3.0f, 4.0f}));
  const auto config = Load(writer);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->rope_scaling.kind, RopeScaling::Kind::kLongRope);
  EXPECT_EQ(config->rope_scaling.original_context_tokens, 8);
  EXPECT_EQ(config->rope_scaling.attention_factor, 1.25);
  EXPECT_THAT(config->rope_scaling.long_factors, ElementsAre(3.0f, 4.0f));
  EXPECT_THAT(Load(single), FailsWith(StatusCode::kDataLoss, "rope_factors_long.weight"));
}

TEST_F(GgufConfigTest, PartOfAHeadMayTurnWhereRowsAreNotInterleaved) {
  GgufWriter partial = ForFamily("phi3");
  partial.U32("phi3.rope.dimension_count", 2);
  const auto config = Load(partial);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->rotary_dim, 2);
  for (const std::uint32_t count : {0u, 3u, 6u}) {
    GgufWriter bad = ForFamily("phi3");
    bad.U32("phi3.rope.dimension_count", count);
    EXPECT_THAT(Load(bad), FailsWith(StatusCode::kInvalidArgument, "phi3.rope.dimension_count"));
  }
}

TEST_F(GgufConfigTest, WrongMetadataIsNamed) {
  EXPECT_THAT(Load(GgufWriter()), FailsWith(StatusCode::kUnimplemented, "general.architecture"));
  EXPECT_THAT(Load(GgufWriter().String("general.architecture", "mamba")),
              FailsWith(StatusCode::kUnimplemented, "have \"mamba\""));
  EXPECT_THAT(Load(GgufWriter().String("general.architecture", "llama")),
              FailsWith(StatusCode::kInvalidArgument, "llama.embedding_length: wanted an integer"));
  GgufWriter no_embedding = Smallest();
  EXPECT_THAT(Load(no_embedding), FailsWith(StatusCode::kInvalidArgument, "token_embd.weight"));
  GgufWriter partial = Smallest();
  partial.U32("llama.rope.dimension_count", 2);
  EXPECT_THAT(Load(WithEmbedding(partial)),
              FailsWith(StatusCode::kUnimplemented, "rope.dimension_count"));
  GgufWriter scaled = Smallest();
  scaled.String("llama.rope.scaling.type", "yarn");
  EXPECT_FALSE(Load(WithEmbedding(scaled)).ok());
  GgufWriter bad_factors = Smallest();
  WithEmbedding(bad_factors)
      .Tensor("rope_freqs.weight", GgufTensorType::kF32, {2}, std::string(8, '\0'));
  EXPECT_THAT(Load(bad_factors), FailsWith(StatusCode::kDataLoss, "positive factors"));
}

}  // namespace
}  // namespace quire::engine
