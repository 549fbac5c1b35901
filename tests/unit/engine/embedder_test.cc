#include "engine/embedder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"
#include "tests/support/tiny_model.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::IsOk;

// A tiny random BERT: 32 tokens, of which <s> and </s> frame the text, a token per byte.
class EmbedderTest : public ::testing::Test {
 protected:
  EmbedderTest() : device_(*kernels::FindDevice("")) { testing::WriteTinyBert(directory_.path()); }

  StatusOr<std::unique_ptr<Embedder>> Create(std::int32_t max_batch_tokens = 4096) {
    EmbedderOptions options;
    options.model_path = directory_.path();
    options.max_batch_tokens = max_batch_tokens;
    return Embedder::Create(options, *device_);
  }
  std::unique_ptr<Embedder> NewEmbedder(std::int32_t max_batch_tokens = 4096) {
    auto embedder = Create(max_batch_tokens);
    EXPECT_THAT(embedder, IsOk());
    return *std::move(embedder);
  }

  testing::TemporaryDirectory directory_;
  std::unique_ptr<kernels::Device> device_;
};

std::vector<std::string> Texts() {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 40; ++i) texts.push_back(std::string(i * 7 % 30, 'a') + "bc");
  texts.push_back("");
  return texts;
}

TEST_F(EmbedderTest, VectorsHaveUnitLength) {
  const auto embedder = NewEmbedder();
  EXPECT_EQ(embedder->dimension(), 16);
  EXPECT_EQ(embedder->max_tokens(), 32);
  const auto batch = embedder->Embed(Texts(), /*truncate=*/true);
  ASSERT_THAT(batch, IsOk());
  ASSERT_EQ(batch->values.size(), Texts().size() * 16);
  for (std::size_t i = 0; i < Texts().size(); ++i) {
    double squares = 0.0;
    for (std::size_t j = 0; j < 16; ++j) {
      squares += batch->values[i * 16 + j] * batch->values[i * 16 + j];
    }
    EXPECT_NEAR(squares, 1.0, 1e-5);
  }
}

TEST_F(EmbedderTest, VectorDoesNotDependOnTheOtherTexts) {
  const auto embedder = NewEmbedder();
  const auto small_batches = NewEmbedder(/*max_batch_tokens=*/1);
  const std::vector<std::string> texts = Texts();
  const auto together = embedder->Embed(texts, /*truncate=*/true);
  const auto in_pieces = small_batches->Embed(texts, /*truncate=*/true);
  ASSERT_THAT(together, IsOk());
  ASSERT_THAT(in_pieces, IsOk());
  EXPECT_EQ(together->values, in_pieces->values);  // bit for bit
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto alone = embedder->Embed(std::span(&texts[i], 1), /*truncate=*/true);
    ASSERT_THAT(alone, IsOk());
    const auto begin = together->values.begin() + static_cast<std::ptrdiff_t>(i * 16);
    EXPECT_EQ(alone->values, std::vector<float>(begin, begin + 16)) << texts[i];
  }
}

TEST_F(EmbedderTest, LongTextIsCutAndKeepsItsEndToken) {
  const auto embedder = NewEmbedder();
  const std::string fits(30, 'a');
  const std::vector<std::string> texts = {fits, fits + "b", fits + std::string(500, 'c')};
  const auto batch = embedder->Embed(texts, /*truncate=*/true);
  ASSERT_THAT(batch, IsOk());
  EXPECT_EQ(batch->num_tokens, (std::vector<std::int32_t>{32, 32, 32}));
  EXPECT_EQ(batch->truncated, (std::vector<bool>{false, true, true}));
  // What is left after the cut is the first text with both frame tokens.
  const std::vector<float> first(batch->values.begin(), batch->values.begin() + 16);
  EXPECT_EQ(std::vector<float>(batch->values.begin() + 16, batch->values.begin() + 32), first);
  EXPECT_EQ(std::vector<float>(batch->values.begin() + 32, batch->values.end()), first);
}

TEST_F(EmbedderTest, LongTextIsRefusedWithoutTruncation) {
  const auto embedder = NewEmbedder();
  const std::vector<std::string> texts = {"a", std::string(31, 'a')};
  EXPECT_THAT(
      embedder->Embed(texts, /*truncate=*/false),
      FailsWith(StatusCode::kInvalidArgument, "texts[1]: wanted at most 32 tokens, have 33"));
  EXPECT_THAT(embedder->Embed({}, /*truncate=*/false), IsOk());
}

TEST_F(EmbedderTest, SentenceTransformersFilesAreObeyed) {
  testing::WriteFile(directory_.path() / "modules.json",
                     R"([{"type": "a.Transformer", "path": ""},
                         {"type": "a.Pooling", "path": "1_Pooling"}])");
  testing::WriteFile(directory_.path() / "1_Pooling/config.json",
                     R"({"pooling_mode_cls_token": true})");
  testing::WriteFile(directory_.path() / "sentence_bert_config.json", R"({"max_seq_length": 10})");
  const auto embedder = NewEmbedder();
  EXPECT_EQ(embedder->max_tokens(), 10);
  const std::vector<std::string> texts = {"abc"};
  const auto batch = embedder->Embed(texts, /*truncate=*/true);
  ASSERT_THAT(batch, IsOk());
  double squares = 0.0;
  for (const float value : batch->values) squares += value * value;
  EXPECT_GT(std::abs(squares - 1.0), 0.1);  // not normalized: 16 elements of variance 1
}

TEST_F(EmbedderTest, FingerprintNamesTheModel) {
  const std::string fingerprint = NewEmbedder()->fingerprint();
  EXPECT_EQ(fingerprint.size(), 64u);
  EXPECT_EQ(NewEmbedder(/*max_batch_tokens=*/64)->fingerprint(), fingerprint);
  testing::WriteFile(directory_.path() / "sentence_bert_config.json", R"({"max_seq_length": 10})");
  EXPECT_NE(NewEmbedder()->fingerprint(), fingerprint);
  std::filesystem::remove(directory_.path() / "sentence_bert_config.json");
  EXPECT_EQ(NewEmbedder()->fingerprint(), fingerprint);
  testing::WriteTinyBert(directory_.path(), /*seed=*/2);
  EXPECT_NE(NewEmbedder()->fingerprint(), fingerprint);
}

// The same tokenizer in front of a table of token vectors.
class StaticEmbedderTest : public EmbedderTest {
 protected:
  StaticEmbedderTest() {
    for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"}) {
      std::filesystem::remove(directory_.path() / name);
    }
    testing::WriteTinyStaticModel(directory_.path());
  }
  void EditTokenizer(const nlohmann::json& patch) {
    nlohmann::json tokenizer = testing::TinyTokenizer(/*is_encoder=*/true);
    tokenizer.merge_patch(patch);
    testing::WriteFile(directory_.path() / "tokenizer.json", tokenizer.dump());
  }
};

TEST_F(StaticEmbedderTest, OrderIsNothingAndSpecialTokensAreNotAdded) {
  const auto embedder = NewEmbedder();
  EXPECT_EQ(embedder->dimension(), 16);
  EXPECT_EQ(embedder->architecture(), "StaticEmbedding");
  const std::vector<std::string> texts = {"abc", "cab", "abcabc"};
  const auto batch = embedder->Embed(texts, /*truncate=*/true);
  ASSERT_THAT(batch, IsOk());
  EXPECT_EQ(batch->num_tokens, (std::vector<std::int32_t>{3, 3, 6}));
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(batch->values[16 + i], batch->values[i], 1e-6);
    EXPECT_NEAR(batch->values[32 + i], batch->values[i], 1e-6);
  }
}

TEST_F(StaticEmbedderTest, TextWithoutTokensIsZero) {
  const std::vector<std::string> texts = {"", "a", ""};
  const auto batch = NewEmbedder()->Embed(texts, /*truncate=*/true);
  ASSERT_THAT(batch, IsOk());
  EXPECT_EQ(batch->num_tokens, (std::vector<std::int32_t>{0, 1, 0}));
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(batch->values[i], 0.0f);
    EXPECT_NE(batch->values[16 + i], 0.0f);
    EXPECT_EQ(batch->values[32 + i], 0.0f);
  }
  EXPECT_THAT(NewEmbedder()->Embed(std::span(texts).first(1), /*truncate=*/false), IsOk());
}

TEST_F(StaticEmbedderTest, FilesLimitTheLengthIfTheySaySo) {
  EXPECT_EQ(NewEmbedder()->max_tokens(), 8192);
  EditTokenizer({{"truncation", {{"max_length", 100}}}});
  EXPECT_EQ(NewEmbedder()->max_tokens(), 100);
  testing::WriteFile(directory_.path() / "sentence_bert_config.json", R"({"max_seq_length": 10})");
  const auto embedder = NewEmbedder();
  EXPECT_EQ(embedder->max_tokens(), 10);
  const std::vector<std::string> texts = {std::string(10, 'a') + "bc", std::string(10, 'a')};
  const auto batch = embedder->Embed(texts, /*truncate=*/true);
  ASSERT_THAT(batch, IsOk());
  EXPECT_EQ(batch->num_tokens, (std::vector<std::int32_t>{10, 10}));
  EXPECT_EQ(batch->truncated, (std::vector<bool>{true, false}));
  EXPECT_TRUE(
      std::equal(batch->values.begin(), batch->values.begin() + 16, batch->values.begin() + 16));
  EditTokenizer({{"truncation", {{"max_length", -1}}}});
  EXPECT_THAT(Create(), FailsWith(StatusCode::kInvalidArgument, "max_length"));
}

TEST_F(StaticEmbedderTest, DamagedModelsAreRefused) {
  testing::WriteFile(directory_.path() / "model.safetensors",
                     testing::SafetensorsBytes({{"x", "F32", {1, 1}, std::string(4, '\0')}}));
  EXPECT_THAT(Create(), FailsWith(StatusCode::kDataLoss, "embedding.weight"));
  std::filesystem::remove(directory_.path() / "model.safetensors");
  EXPECT_THAT(Create(), FailsWith(StatusCode::kNotFound, "model.safetensors"));
  std::filesystem::remove(directory_.path() / "modules.json");
  EXPECT_THAT(Create(), FailsWith(StatusCode::kNotFound, "config.json"));
}

TEST_F(StaticEmbedderTest, VocabularyLargerThanTheTableIsNamed) {
  testing::TinyWeights weights(/*seed=*/1);
  weights.Matrix("embedding.weight", 50, 16);  // ASCII letters are above
  testing::WriteFile(directory_.path() / "model.safetensors",
                     testing::SafetensorsBytes(weights.tensors()));
  const std::vector<std::string> texts = {"a"};
  EXPECT_THAT(NewEmbedder()->Embed(texts, /*truncate=*/true),
              FailsWith(StatusCode::kInvalidArgument, "wanted token ids below vocab_size 50"));
}

TEST_F(EmbedderTest, LanguageModelsAreRefused) {
  testing::WriteTinyLlama(directory_.path());
  EXPECT_THAT(Create(), FailsWith(StatusCode::kInvalidArgument, "LlamaForCausalLM"));
}

// A question's vector need not wait for a whole document.
TEST_F(EmbedderTest, ShortCallEndsBeforeALongOneThatCameFirst) {
  const auto embedder = NewEmbedder(/*max_batch_tokens=*/1);
  const std::vector<std::string> many(4'000, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  std::atomic<bool> is_long_done{false};
  std::thread long_call([&] {
    EXPECT_THAT(embedder->Embed(many, /*truncate=*/false), IsOk());
    is_long_done = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_THAT(embedder->Embed(std::vector<std::string>{"b"}, /*truncate=*/false), IsOk());
  EXPECT_FALSE(is_long_done);
  long_call.join();
}

TEST_F(EmbedderTest, TakesTurnsWithALanguageModel) {
  EmbedderOptions options{.model_path = directory_.path(),
                          .turns = std::make_shared<ComputeTurns>()};
  const auto embedder = Embedder::Create(options, *device_);
  ASSERT_THAT(embedder, IsOk());
  std::thread call;
  std::atomic<bool> is_done{false};
  {
    const ComputeTurns::Turn step = options.turns->TakeStep();
    call = std::thread([&] {
      EXPECT_THAT((*embedder)->Embed(Texts(), /*truncate=*/true), IsOk());
      is_done = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(is_done);
  }
  options.turns->SetIdle();
  call.join();
  EXPECT_TRUE(is_done);
}

}  // namespace
}  // namespace quire::engine
