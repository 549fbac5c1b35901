#include "engine/model/gguf_bert.h"

#include <gmock/gmock.h>

#include "engine/embedder.h"
#include "engine/model/model_config.h"
#include "engine/model/sentence_transformers.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::GgufWriter;
using testing::IsOk;

class GgufBertTest : public ::testing::Test {
 protected:
  std::string Write(const GgufWriter& writer) {
    const std::string path = (directory_.path() / "model.gguf").string();
    testing::WriteFile(path, writer.Bytes());
    return path;
  }
  StatusOr<ModelConfig> Load(const GgufWriter& writer) { return LoadModelConfig(Write(writer)); }

  testing::TemporaryDirectory directory_;
};

// The metadata of an encoder of two heads of 2.
GgufWriter Metadata() {
  GgufWriter writer;
  writer.String("general.architecture", "bert").U32("bert.embedding_length", 4);
  writer.U32("bert.block_count", 1).U32("bert.feed_forward_length", 8);
  writer.U32("bert.context_length", 16).U32("bert.attention.head_count", 2);
  return writer;
}
GgufWriter& WithTables(GgufWriter& writer) {
  writer.Tensor("token_embd.weight", GgufTensorType::kF32, {3, 4}, std::string(48, '\0'));
  return writer.Tensor("token_types.weight", GgufTensorType::kF32, {2, 4}, std::string(32, '\0'));
}

TEST_F(GgufBertTest, MetadataBecomeAConfiguration) {
  GgufWriter writer = Metadata();
  writer.F32("bert.attention.layer_norm_epsilon", 1e-5f).Bool("bert.attention.causal", false);
  const auto config = Load(WithTables(writer));
  ASSERT_THAT(config, IsOk());
  EXPECT_TRUE(config->is_encoder());
  EXPECT_EQ(config->architecture, "BertModel");
  EXPECT_EQ(config->hidden_size, 4);
  EXPECT_EQ(config->num_layers, 1);
  EXPECT_EQ(config->num_heads, 2);
  EXPECT_EQ(config->head_dim, 2);
  EXPECT_EQ(config->intermediate_size, 8);
  EXPECT_EQ(config->max_position_embeddings, 16);
  EXPECT_EQ(config->vocab_size, 3);
  EXPECT_EQ(config->type_vocab_size, 2);
  EXPECT_EQ(config->norm_epsilon, 1e-5f);
  EXPECT_EQ(config->activation, kernels::ActivationKind::kGelu);
}

TEST_F(GgufBertTest, WrongMetadataAreNamed) {
  EXPECT_THAT(Load(GgufWriter().String("general.architecture", "bert")),
              FailsWith(StatusCode::kInvalidArgument, "bert.embedding_length: wanted an integer"));
  GgufWriter bare = Metadata();
  EXPECT_THAT(Load(bare), FailsWith(StatusCode::kInvalidArgument, "tensor token_embd.weight"));
  bare.Tensor("token_embd.weight", GgufTensorType::kF32, {3, 4}, std::string(48, '\0'));
  EXPECT_THAT(Load(bare), FailsWith(StatusCode::kInvalidArgument, "tensor token_types.weight"));
  GgufWriter causal = Metadata();
  causal.Bool("bert.attention.causal", true);
  EXPECT_THAT(Load(WithTables(causal)), FailsWith(StatusCode::kUnimplemented, "attention.causal"));
  GgufWriter repeated = Metadata();
  repeated.U32("bert.block_count", 0);
  EXPECT_THAT(Load(WithTables(repeated)), FailsWith(StatusCode::kDataLoss, "bert.block_count"));
}

TEST_F(GgufBertTest, PoolingIsWhatItsNumberSays) {
  const auto pooling = [&](std::uint32_t type) {
    return LoadSentenceTransformersConfig(Write(Metadata().U32("bert.pooling_type", type)));
  };
  using Kind = kernels::PoolArgs::Kind;
  EXPECT_EQ(pooling(1)->pooling.kind, Kind::kMean);
  EXPECT_EQ(pooling(2)->pooling.kind, Kind::kFirst);
  EXPECT_EQ(pooling(3)->pooling.kind, Kind::kLast);
  EXPECT_TRUE(pooling(2)->pooling.normalize);
  EXPECT_EQ(LoadSentenceTransformersConfig(Write(Metadata()))->pooling.kind, Kind::kMean);
  EXPECT_THAT(pooling(0), FailsWith(StatusCode::kUnimplemented, "bert.pooling_type"));
  EXPECT_THAT(pooling(4), FailsWith(StatusCode::kUnimplemented, "have 4"));
}

// A model of the fixtures with one thing changed.
class DamagedGgufBertTest : public GgufBertTest {
 protected:
  Status Create(const std::string& bytes) {
    const std::string path = (directory_.path() / "model.gguf").string();
    testing::WriteFile(path, bytes);
    EmbedderOptions options;
    options.model_path = path;
    return Embedder::Create(options, *device_).status();
  }

  const std::string intact_ =
      testing::ReadWholeFile("tests/golden/engine/fixtures/gguf_bert/model.gguf");
  const std::unique_ptr<kernels::Device> device_ = *kernels::FindDevice("");
};

TEST_F(DamagedGgufBertTest, AMissingTensorIsNamed) {
  ASSERT_THAT(Create(intact_), IsOk());
  for (const char* name : {"position_embd.weight", "token_embd_norm.bias", "blk.1.ffn_up.bias",
                           "blk.0.attn_output_norm.weight", "blk.1.attn_q.weight"}) {
    std::string renamed = intact_;
    renamed[renamed.find(name)] = 'X';
    EXPECT_THAT(Create(renamed), FailsWith(StatusCode::kDataLoss, name));
  }
}

TEST_F(DamagedGgufBertTest, ACutFileIsRefused) {
  for (const std::size_t size : {intact_.size() - 1, intact_.size() / 2, std::size_t{100}}) {
    EXPECT_THAT(Create(intact_.substr(0, size)), FailsWith(StatusCode::kDataLoss, "model.gguf"));
  }
}

}  // namespace
}  // namespace quire::engine
