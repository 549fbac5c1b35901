// Tiny random models of each family and each weight format against what transformers computed in
// float64; see make_references.py, make_encoder_references.py, make_quantized_references.py,
// make_gguf_references.py and make_gguf_family_references.py. On every device, in one pass and in
// pieces.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <tuple>

#include "engine/formats/checkpoint.h"
#include "engine/formats/json_file.h"
#include "engine/formats/model_weights.h"
#include "engine/kv/kv_cache.h"
#include "engine/model/encoder.h"
#include "engine/model/transformer.h"
#include "tests/support/devices.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

constexpr std::int32_t kBlockSize = 16;

std::string Fixture(const std::string& name) { return "tests/golden/engine/fixtures/" + name; }

// f32 sums of a few dozen terms through three layers, logits of size 10: 1e-4 leaves a factor of
// ten above what rounding alone gives.
constexpr double kTolerance = 1e-4;

// One sequence in blocks that stand in reverse order.
ForwardBatch OneSequence(const std::vector<std::int32_t>& ids, std::int32_t begin, std::int32_t end,
                         std::int32_t num_blocks) {
  ForwardBatch batch;
  for (std::int32_t position = begin; position < end; ++position) {
    const std::int32_t block = num_blocks - 1 - position / kBlockSize;
    batch.ids.push_back(ids[static_cast<std::size_t>(position)]);
    batch.positions.push_back(position);
    batch.slot_mapping.push_back(block * kBlockSize + position % kBlockSize);
  }
  batch.cu_seqlens = {0, end - begin};
  batch.kv_lens = {end};
  batch.max_blocks = num_blocks;
  for (std::int32_t i = 0; i < num_blocks; ++i) batch.block_table.push_back(num_blocks - 1 - i);
  return batch;
}

class TinyDecoderTest : public ::testing::TestWithParam<std::tuple<const char*, std::string>> {
 protected:
  void SetUp() override {
    const std::string directory = Fixture(std::get<0>(GetParam()));
    auto device = kernels::FindDevice(std::get<1>(GetParam()));
    ASSERT_THAT(device, IsOk());
    device_ = *std::move(device);
    const std::string gguf = directory + "/model.gguf";
    const std::string model = std::filesystem::exists(gguf) ? gguf : directory;
    const auto config = LoadModelConfig(model);
    ASSERT_THAT(config, IsOk());
    const auto weights = OpenModelWeights(model, config->quantization, {});
    ASSERT_THAT(weights, IsOk());
    const auto expected = ReadJsonFile(directory + "/expected.json");
    ASSERT_THAT(expected, IsOk());
    ids_ = (*expected)["ids"].get<std::vector<std::int32_t>>();
    logits_ = (*expected)["logits"].get<std::vector<double>>();
    short_logits_ = expected->value("short_logits", std::vector<double>());
    greedy_ = expected->value("greedy", std::vector<std::int32_t>());
    config_ = *config;
    weights_ = *weights;
    LoadTransformer(expected->value("context_tokens", 0));
    auto cache = KvCache::Create({.num_layers = config->num_layers,
                                  .num_kv_heads = config->num_kv_heads,
                                  .head_dim = config->head_dim,
                                  .block_size = kBlockSize},
                                 kNumBlocks, *device_);
    ASSERT_THAT(cache, IsOk());
    cache_ = *std::move(cache);
  }

  void LoadTransformer(std::int32_t context_tokens) {
    auto transformer = Transformer::Load(
        config_, *weights_,
        {.max_batch_tokens = 64, .max_logit_rows = 64, .context_tokens = context_tokens}, *device_);
    ASSERT_THAT(transformer, IsOk());
    transformer_ = *std::move(transformer);
  }

  // All logits of the tokens, which are computed in pieces that end at `ends`.
  std::vector<float> LogitsInPieces(const std::vector<std::int32_t>& ends) {
    std::vector<float> all;
    std::int32_t begin = 0;
    for (const std::int32_t end : ends) {
      const ForwardBatch batch = OneSequence(ids_, begin, end, kNumBlocks);
      transformer_->Forward(batch, *cache_);
      std::vector<std::int32_t> rows(static_cast<std::size_t>(end - begin));
      std::iota(rows.begin(), rows.end(), 0);
      const auto predictions = transformer_->Predict(rows, {});
      EXPECT_THAT(predictions, IsOk());
      if (!predictions.ok()) return all;
      all.insert(all.end(), predictions->logits.begin(), predictions->logits.end());
      begin = end;
    }
    return all;
  }

  // Compares every logit.
  void ExpectReferenceLogits(const std::vector<std::int32_t>& ends) {
    const std::vector<float> logits = LogitsInPieces(ends);
    ASSERT_EQ(logits.size(), logits_.size());
    const auto vocab_size = static_cast<std::size_t>(config_.vocab_size);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      ASSERT_NEAR(logits[i], logits_[i], kTolerance)
          << "position " << i / vocab_size << ", token " << i % vocab_size;
    }
  }

  // The tokens from BOS on, each computed alone.
  void ExpectGreedyTokens() {
    ASSERT_EQ(greedy_.size(), 65u);
    std::vector<std::int32_t> ids = {greedy_[0]};
    while (ids.size() < greedy_.size()) {
      ids.push_back(NextToken(ids, static_cast<std::int32_t>(ids.size()) - 1));
    }
    EXPECT_EQ(ids, greedy_);
  }

  // The likeliest token after the last of `ids`, of which the first `num_cached` are in the cache.
  std::int32_t NextToken(const std::vector<std::int32_t>& ids, std::int32_t num_cached) {
    const auto size = static_cast<std::int32_t>(ids.size());
    const ForwardBatch batch = OneSequence(ids, num_cached, size, kNumBlocks);
    transformer_->Forward(batch, *cache_);
    const std::vector<std::int32_t> last = {size - num_cached - 1};
    const auto predictions = transformer_->Predict(last, {.rows = {{}}});
    EXPECT_THAT(predictions, IsOk());
    return predictions.ok() ? predictions->samples[0] : kernels::kNoSample;
  }

  static constexpr std::int32_t kNumBlocks = 5;

  std::unique_ptr<kernels::Device> device_;
  ModelConfig config_;
  std::shared_ptr<const WeightSource> weights_;
  std::unique_ptr<Transformer> transformer_;
  std::unique_ptr<KvCache> cache_;
  std::vector<std::int32_t> ids_;     // [tokens]
  std::vector<double> logits_;        // [tokens, vocab_size]
  std::vector<double> short_logits_;  // of fewer tokens, in a shorter context
  // The likeliest tokens from BOS on, where they were recorded.
  std::vector<std::int32_t> greedy_;
};

TEST_P(TinyDecoderTest, LogitsEqualTheReference) { ExpectReferenceLogits({40}); }

TEST_P(TinyDecoderTest, LogitsEqualTheReferenceInPieces) {
  ExpectReferenceLogits({1, 2, 9, 25, 39, 40});
}

INSTANTIATE_TEST_SUITE_P(
    Models, TinyDecoderTest,
    ::testing::Combine(::testing::Values("llama3_rope", "llama3_rope_parameters",
                                         "llama_linear_biases", "mistral", "qwen2"),
                       ::testing::ValuesIn(testing::DeviceNames())),
    testing::ModelAndDeviceName);

class QuantizedDecoderTest : public TinyDecoderTest {};

TEST_P(QuantizedDecoderTest, LogitsEqualTheReferenceOnTheDequantizedWeights) {
  ExpectReferenceLogits({40});
}

TEST_P(QuantizedDecoderTest, LogitsEqualTheReferenceInPieces) {
  ExpectReferenceLogits({1, 2, 9, 25, 39, 40});
}

TEST_P(QuantizedDecoderTest, GreedyTokensEqualTheReference) { ExpectGreedyTokens(); }

INSTANTIATE_TEST_SUITE_P(
    Formats, QuantizedDecoderTest,
    ::testing::Combine(::testing::Values("gptq2", "gptq3", "gptq4", "gptq4_act_order", "gptq8",
                                         "gptq_mixed", "awq_gemm", "awq_gemv", "awq_gemv_fast",
                                         "nf4", "fp4", "int8", "phi3_gptq4_act_order",
                                         "phi3_awq_gemm", "gpt2_gptq8"),
                       ::testing::ValuesIn(testing::DeviceNames())),
    testing::ModelAndDeviceName);

INSTANTIATE_TEST_SUITE_P(
    Families, QuantizedDecoderTest,
    ::testing::Combine(::testing::Values("qwen3_nf4", "qwen3_int8", "qwen3_gptq4", "phi3_nf4",
                                         "phi3_int8", "phi3_gptq4", "gemma2_nf4", "gemma2_int8",
                                         "gemma2_gptq4", "gemma3_text_nf4", "gemma3_text_int8",
                                         "gemma3_text_gptq4", "gpt2_nf4", "gpt2_int8",
                                         "gpt2_gptq4"),
                       ::testing::ValuesIn(testing::DeviceNames())),
    testing::ModelAndDeviceName);

INSTANTIATE_TEST_SUITE_P(
    Gguf, QuantizedDecoderTest,
    ::testing::Combine(::testing::Values("gguf_q4_0", "gguf_q4_1", "gguf_q5_0", "gguf_q5_1",
                                         "gguf_q8_0", "gguf_q2_k", "gguf_q3_k", "gguf_q4_k",
                                         "gguf_q5_k", "gguf_q6_k", "gguf_iq4_nl", "gguf_iq4_xs",
                                         "gguf_mixed", "gguf_qwen2"),
                       ::testing::ValuesIn(testing::DeviceNames())),
    testing::ModelAndDeviceName);

INSTANTIATE_TEST_SUITE_P(GgufFamilies, QuantizedDecoderTest,
                         ::testing::Combine(::testing::Values("gguf_qwen3", "gguf_phi3",
                                                              "gguf_gemma2", "gguf_gemma3",
                                                              "gguf_gpt2"),
                                            ::testing::ValuesIn(testing::DeviceNames())),
                         testing::ModelAndDeviceName);

class FamilyDecoderTest : public TinyDecoderTest {};

TEST_P(FamilyDecoderTest, LogitsEqualTheReference) { ExpectReferenceLogits({40}); }

TEST_P(FamilyDecoderTest, LogitsEqualTheReferenceInPieces) {
  ExpectReferenceLogits({1, 2, 9, 25, 39, 40});
}

TEST_P(FamilyDecoderTest, GreedyTokensEqualTheReference) { ExpectGreedyTokens(); }

TEST_P(FamilyDecoderTest, PiecesGiveTheSameBits) {
  const std::vector<float> at_once = LogitsInPieces({40});
  EXPECT_EQ(LogitsInPieces({1, 2, 9, 25, 39, 40}), at_once);
  EXPECT_EQ(LogitsInPieces({30, 40}), at_once);
}

INSTANTIATE_TEST_SUITE_P(Families, FamilyDecoderTest,
                         ::testing::Combine(::testing::Values("qwen3", "qwen3_yarn",
                                                              "llama_dynamic", "llama_yarn_mscale",
                                                              "phi3", "phi3_longrope", "gemma2",
                                                              "gemma3_text", "gemma3", "gpt2"),
                                            ::testing::ValuesIn(testing::DeviceNames())),
                         testing::ModelAndDeviceName);

class LongRopeDecoderTest : public TinyDecoderTest {};

// The longest context that a server allows chooses the factors.
TEST_P(LongRopeDecoderTest, AShortContextHasTheShortFactors) {
  ASSERT_EQ(short_logits_.size(), 24u * static_cast<std::size_t>(config_.vocab_size));
  LoadTransformer(/*context_tokens=*/32);
  logits_ = short_logits_;
  ExpectReferenceLogits({7, 24});
}

INSTANTIATE_TEST_SUITE_P(Models, LongRopeDecoderTest,
                         ::testing::Combine(::testing::Values("phi3_longrope"),
                                            ::testing::ValuesIn(testing::DeviceNames())),
                         [](const auto& model) {
                           return testing::TestName(std::get<1>(model.param));
                         });

class TinyEncoderTest : public ::testing::TestWithParam<std::tuple<const char*, std::string>> {};

TEST_P(TinyEncoderTest, PooledVectorsEqualTheReference) {
  const std::string directory = Fixture(std::get<0>(GetParam()));
  const auto device = kernels::FindDevice(std::get<1>(GetParam()));
  ASSERT_THAT(device, IsOk());
  const auto config = LoadModelConfig(directory);
  ASSERT_THAT(config, IsOk());
  const auto checkpoint = Checkpoint::Open(directory);
  ASSERT_THAT(checkpoint, IsOk());
  const auto encoder = Encoder::Load(*config, **checkpoint, 64, 8, **device);
  ASSERT_THAT(encoder, IsOk());
  const auto expected = ReadJsonFile(directory + "/expected.json");
  ASSERT_THAT(expected, IsOk());

  // All sequences in one packed batch.
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> cu_seqlens = {0};
  for (const auto& sequence : (*expected)["sequences"]) {
    for (const auto& id : sequence) ids.push_back(id.get<std::int32_t>());
    cu_seqlens.push_back(static_cast<std::int32_t>(ids.size()));
  }
  const auto expect = [&](const char* field, const PoolingConfig& pooling) {
    const auto vectors = (*encoder)->Encode(ids, cu_seqlens, pooling, /*before_layer=*/[] {});
    ASSERT_THAT(vectors, IsOk());
    std::size_t i = 0;
    for (const auto& vector : (*expected)[field]) {
      for (const auto& value : vector) {
        ASSERT_NEAR((*vectors)[i], value.get<double>(), 1e-5) << field << " " << i;
        ++i;
      }
    }
    EXPECT_EQ(i, vectors->size());
  };
  expect("mean_normalized", {.kind = kernels::PoolArgs::Kind::kMean, .normalize = true});
  expect("first", {.kind = kernels::PoolArgs::Kind::kFirst, .normalize = false});
}

INSTANTIATE_TEST_SUITE_P(Models, TinyEncoderTest,
                         ::testing::Combine(::testing::Values("bert", "roberta", "xlm_roberta"),
                                            ::testing::ValuesIn(testing::DeviceNames())),
                         testing::ModelAndDeviceName);

}  // namespace
}  // namespace quire::engine
