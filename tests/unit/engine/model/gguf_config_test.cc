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
GgufWriter Smallest() {
  GgufWriter writer;
  writer.String("general.architecture", "llama").U32("llama.embedding_length", 4);
  writer.U32("llama.block_count", 1).U32("llama.feed_forward_length", 8);
  writer.U32("llama.context_length", 16).U32("llama.attention.head_count", 1);
  return writer;
}
GgufWriter& WithEmbedding(GgufWriter& writer) {
  return writer.Tensor("token_embd.weight", GgufTensorType::kF32, {3, 4}, std::string(48, '\0'));
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
