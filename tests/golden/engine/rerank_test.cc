// Tiny random cross-encoders against what transformers and tokenizers computed; see
// make_encoder_references.py. On every device.

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <tuple>

#include "engine/formats/json_file.h"
#include "engine/reranker.h"
#include "tests/support/devices.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

class TinyRerankerTest : public ::testing::TestWithParam<std::tuple<const char*, std::string>> {
 protected:
  void SetUp() override {
    const std::string directory =
        std::string("tests/golden/engine/fixtures/") + std::get<0>(GetParam());
    auto device = kernels::FindDevice(std::get<1>(GetParam()));
    ASSERT_THAT(device, IsOk());
    device_ = *std::move(device);
    auto reranker = Reranker::Create({.model_path = directory, .turns = {}}, *device_);
    ASSERT_THAT(reranker, IsOk());
    reranker_ = *std::move(reranker);
    const auto expected = ReadJsonFile(directory + "/expected.json");
    ASSERT_THAT(expected, IsOk());
    expected_ = *expected;
    query_ = expected_["query"].get<std::string>();
    for (const auto& document : expected_["documents"]) documents_.push_back(document["text"]);
  }

  // The one score that the logits of a document stand for.
  static double ScoreOf(const std::vector<double>& logits, bool is_raw) {
    if (logits.size() == 1) return is_raw ? logits[0] : 1.0 / (1.0 + std::exp(-logits[0]));
    double sum = 0.0;
    for (const double logit : logits) sum += std::exp(logit);
    return std::exp(logits.back()) / sum;
  }

  std::unique_ptr<kernels::Device> device_;
  std::unique_ptr<Reranker> reranker_;
  nlohmann::json expected_;
  std::string query_;
  std::vector<std::string> documents_;
};

TEST_P(TinyRerankerTest, PairsAreThoseOfTheReference) {
  const Tokenizer& tokenizer = reranker_->tokenizer();
  const auto query = tokenizer.Encode(query_, {.add_special_tokens = false});
  for (const auto& document : expected_["documents"]) {
    if (document["truncated"]) continue;
    const auto pair = tokenizer.JoinPair(
        query,
        tokenizer.Encode(document["text"].get<std::string>(), {.add_special_tokens = false}));
    ASSERT_THAT(pair, IsOk());
    EXPECT_EQ(pair->ids, document["ids"].get<std::vector<TokenId>>());
    EXPECT_EQ(pair->type_ids, document["type_ids"].get<std::vector<std::int32_t>>());
  }
}

TEST_P(TinyRerankerTest, LogitsAndScoresEqualTheReference) {
  const bool is_raw = std::get<0>(GetParam()) == std::string("rerank_bert");
  const auto batch = reranker_->Rerank(query_, documents_);
  ASSERT_THAT(batch, IsOk());
  const auto num_labels = static_cast<std::size_t>(reranker_->num_labels());
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    const auto& document = expected_["documents"][i];
    const auto logits = document["logits"].get<std::vector<double>>();
    ASSERT_EQ(logits.size(), num_labels);
    for (std::size_t label = 0; label < num_labels; ++label) {
      EXPECT_NEAR(batch->logits[i * num_labels + label], logits[label], 1e-5) << i;
    }
    EXPECT_NEAR(batch->scores[i], ScoreOf(logits, is_raw), 1e-5) << i;
    EXPECT_EQ(static_cast<std::size_t>(batch->num_tokens[i]), document["ids"].size()) << i;
    EXPECT_EQ(batch->truncated[i], document["truncated"].get<bool>()) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, TinyRerankerTest,
                         ::testing::Combine(::testing::Values("rerank_bert", "rerank_roberta",
                                                              "rerank_xlm_roberta"),
                                            ::testing::ValuesIn(testing::DeviceNames())),
                         testing::ModelAndDeviceName);

}  // namespace
}  // namespace quire::engine
