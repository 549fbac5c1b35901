#include "engine/reranker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "engine/embedder.h"
#include "engine/engine.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"
#include "tests/support/tiny_model.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::IsOk;

// A tiny random cross-encoder: pairs of 32 tokens, of which 3 are special, a token per byte.
class RerankerTest : public ::testing::Test {
 protected:
  RerankerTest() : device_(*kernels::FindDevice("")) {
    testing::WriteTinyBert(directory_.path(), /*seed=*/1, /*is_cross_encoder=*/true);
  }

  StatusOr<std::unique_ptr<Reranker>> Create(std::int32_t max_batch_tokens = 512) {
    return Reranker::Create(
        {.model_path = directory_.path(), .max_batch_tokens = max_batch_tokens, .turns = {}},
        *device_);
  }
  std::unique_ptr<Reranker> NewReranker(std::int32_t max_batch_tokens = 512) {
    auto reranker = Create(max_batch_tokens);
    EXPECT_THAT(reranker, IsOk());
    return *std::move(reranker);
  }
  void ChangeConfig(const nlohmann::json& changes) {
    const auto path = directory_.path() / "config.json";
    auto config = nlohmann::json::parse(testing::ReadWholeFile(path));
    config.update(changes);
    testing::WriteFile(path, config.dump());
  }

  testing::TemporaryDirectory directory_;
  std::unique_ptr<kernels::Device> device_;
};

std::vector<std::string> Documents() {
  std::vector<std::string> documents;
  for (std::size_t i = 0; i < 30; ++i) documents.push_back(std::string(i * 7 % 23, 'a') + "bc");
  documents.push_back("");
  return documents;
}

TEST_F(RerankerTest, AScoreDoesNotDependOnTheOtherDocuments) {
  const std::vector<std::string> documents = Documents();
  const auto together = NewReranker()->Rerank("who", documents);
  ASSERT_THAT(together, IsOk());
  // One pair of full length to a pass.
  const auto reranker = NewReranker(/*max_batch_tokens=*/1);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const auto alone = reranker->Rerank("who", {&documents[i], 1});
    ASSERT_THAT(alone, IsOk());
    EXPECT_EQ(alone->scores[0], together->scores[i]) << i;
    EXPECT_EQ(alone->num_tokens[0], together->num_tokens[i]) << i;
  }
}

TEST_F(RerankerTest, DocumentsAreCutAndQueriesAreNot) {
  const auto reranker = NewReranker();
  EXPECT_EQ(reranker->max_tokens(), 32);
  EXPECT_EQ(reranker->max_query_tokens(), 28);
  const std::string query(10, 'q');
  const std::vector<std::string> documents = {std::string(19, 'd'), std::string(20, 'd'),
                                              std::string(19, 'd') + "else"};
  const auto batch = reranker->Rerank(query, documents);
  ASSERT_THAT(batch, IsOk());
  EXPECT_EQ(batch->truncated, (std::vector<bool>{false, true, true}));
  EXPECT_EQ(batch->num_tokens, (std::vector<std::int32_t>{32, 32, 32}));
  EXPECT_EQ(batch->scores[0], batch->scores[1]);
  EXPECT_EQ(batch->scores[0], batch->scores[2]);
  EXPECT_THAT(reranker->Rerank(std::string(28, 'q'), documents), IsOk());
  EXPECT_THAT(reranker->Rerank(std::string(29, 'q'), documents),
              FailsWith(StatusCode::kInvalidArgument, "query: wanted at most 28 tokens, have 29"));
}

TEST_F(RerankerTest, ScoresAreProbabilitiesUnlessTheModelSaysOtherwise) {
  const std::vector<std::string> documents = Documents();
  const auto sigmoid = NewReranker()->Rerank("who", documents);
  ChangeConfig(
      {{"sentence_transformers", {{"activation_fn", "torch.nn.modules.linear.Identity"}}}});
  const auto raw = NewReranker()->Rerank("who", documents);
  ASSERT_THAT(sigmoid, IsOk());
  ASSERT_THAT(raw, IsOk());
  for (std::size_t i = 0; i < documents.size(); ++i) {
    EXPECT_EQ(raw->scores[i], raw->logits[i]);
    EXPECT_EQ(raw->logits[i], sigmoid->logits[i]);
    EXPECT_NEAR(sigmoid->scores[i], 1.0 / (1.0 + std::exp(-raw->scores[i])), 1e-6);
  }
  ChangeConfig({{"sentence_transformers", {{"activation_fn", "torch.nn.Tanh"}}}});
  EXPECT_THAT(Create(), FailsWith(StatusCode::kUnimplemented, "torch.nn.Tanh"));
}

TEST_F(RerankerTest, TheTokenizersLengthCounts) {
  testing::WriteFile(directory_.path() / "tokenizer_config.json", R"({"model_max_length": 20})");
  EXPECT_EQ(NewReranker()->max_tokens(), 20);
  testing::WriteFile(directory_.path() / "tokenizer_config.json", R"({"model_max_length": 4})");
  EXPECT_THAT(Create(), FailsWith(StatusCode::kInvalidArgument, "wanted room for two texts"));
}

TEST_F(RerankerTest, ATokenizerWithoutPairsIsRefused) {
  auto tokenizer = testing::TinyTokenizer(/*is_encoder=*/true);
  tokenizer["post_processor"] = nullptr;
  testing::WriteFile(directory_.path() / "tokenizer.json", tokenizer.dump());
  EXPECT_THAT(Create(), FailsWith(StatusCode::kUnimplemented, "pairs of texts"));
}

TEST_F(RerankerTest, TypesBeyondTheModelsAreRefused) {
  auto tokenizer = testing::TinyTokenizer(/*is_encoder=*/true);
  tokenizer["post_processor"]["pair"][3]["Sequence"]["type_id"] = 2;
  testing::WriteFile(directory_.path() / "tokenizer.json", tokenizer.dump());
  EXPECT_THAT(Create(), FailsWith(StatusCode::kInvalidArgument, "type_vocab_size"));
}

TEST_F(RerankerTest, ModelsForOtherTasksAreRefused) {
  EXPECT_THAT(Embedder::Create({.model_path = directory_.path(), .turns = {}}, *device_),
              FailsWith(StatusCode::kInvalidArgument, "only reranks"));
  EngineOptions options;
  options.model_path = directory_.path();
  EXPECT_THAT(Engine::Create(options, *device_),
              FailsWith(StatusCode::kInvalidArgument, "only reranks"));
  testing::WriteTinyBert(directory_.path());
  EXPECT_THAT(Create(), FailsWith(StatusCode::kInvalidArgument, "only embeds"));
}

TEST_F(RerankerTest, AnAbsentHeadIsNamed) {
  testing::WriteTinyBert(directory_.path());
  ChangeConfig({{"architectures", {"BertForSequenceClassification"}}});
  EXPECT_THAT(Create(), FailsWith(StatusCode::kDataLoss, "pooler.dense"));
}

TEST_F(RerankerTest, CallsMaySharePasses) {
  const auto reranker = NewReranker(/*max_batch_tokens=*/64);
  const std::vector<std::string> documents = Documents();
  const auto expected = reranker->Rerank("who", documents);
  ASSERT_THAT(expected, IsOk());
  std::atomic<int> num_equal = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto batch = reranker->Rerank("who", documents);
      if (batch.ok() && batch->scores == expected->scores) ++num_equal;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(num_equal, 4);
}

}  // namespace
}  // namespace quire::engine
