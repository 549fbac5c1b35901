#include "retrieval/search/ranking.h"

#include <gmock/gmock.h>

#include "retrieval/index/faiss_index.h"
#include "tests/support/hash_embedding.h"
#include "tests/support/status_matchers.h"

namespace quire::retrieval {
namespace {

using ::quire::testing::HashVector;
using ::quire::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

constexpr std::int32_t kRankedDimension = 32;

std::vector<std::uint64_t> Ids(std::span<const RankedChunk> ranked) {
  std::vector<std::uint64_t> ids;
  for (const RankedChunk& chunk : ranked) ids.push_back(ToNumber(chunk.chunk));
  return ids;
}

TEST(FusionTest, ScoresAreSumsOfReciprocalRanks) {
  const std::vector<VectorIndex::Hit> dense = {{ChunkId{1}, 0.9f}, {ChunkId{2}, 0.8f}};
  const std::vector<LexicalIndex::Hit> lexical = {{ChunkId{3}, 7.0}, {ChunkId{2}, 5.0}};
  const auto fused = FuseReciprocalRanks(dense, lexical);
  ASSERT_THAT(Ids(fused), ElementsAre(2, 1, 3));
  EXPECT_DOUBLE_EQ(fused[0].score, 1.0 / 62 + 1.0 / 62);
  EXPECT_DOUBLE_EQ(fused[1].score, 1.0 / 61);
  EXPECT_DOUBLE_EQ(fused[2].score, 1.0 / 61);
  EXPECT_FLOAT_EQ(static_cast<float>(*fused[0].similarity), 0.8f);
  EXPECT_EQ(fused[0].lexical_score, 5.0);
  EXPECT_FALSE(fused[1].lexical_score.has_value());
  EXPECT_FALSE(fused[2].similarity.has_value());
}

class RankingTest : public ::testing::Test {
 protected:
  void Add(std::uint64_t id, const std::string& text) {
    const ChunkId chunk{id};
    ASSERT_THAT(vectors_->Add(std::span(&chunk, 1), HashVector(text, kRankedDimension)), IsOk());
    const ChunkTerms terms = words_.Analyze(text);
    words_.Add(std::span(&chunk, 1), std::span(&terms, 1));
  }

  std::vector<RankedChunk> Rank(SearchMode mode, const std::string& text, std::int64_t top_k,
                                std::function<std::uint64_t(ChunkId)> group = {}) {
    RankingQuery query{
        .mode = mode, .text = text, .vector = HashVector(text, kRankedDimension), .top_k = top_k};
    query.group = std::move(group);
    const auto ranked = RankChunks(*vectors_, words_, query);
    EXPECT_THAT(ranked, IsOk());
    return *ranked;
  }

  const std::unique_ptr<VectorIndex> vectors_ = NewFaissIndex(kRankedDimension);
  LexicalIndex words_;
};

TEST_F(RankingTest, EachModeScoresByItsOwnMeasure) {
  Add(1, "alpha beta");
  Add(2, "gamma delta");
  const auto dense = Rank(SearchMode::kDense, "alpha beta", 1);
  ASSERT_THAT(Ids(dense), ElementsAre(1));
  EXPECT_NEAR(dense[0].score, 1.0, 1e-5);
  EXPECT_EQ(dense[0].similarity, dense[0].score);
  EXPECT_FALSE(dense[0].lexical_score.has_value());
  const auto lexical = Rank(SearchMode::kLexical, "delta", 5);
  ASSERT_THAT(Ids(lexical), ElementsAre(2));
  EXPECT_EQ(lexical[0].lexical_score, lexical[0].score);
  const auto hybrid = Rank(SearchMode::kHybrid, "alpha", 5);
  ASSERT_EQ(hybrid[0].chunk, ChunkId{1});
  EXPECT_DOUBLE_EQ(hybrid[0].score, 2.0 / 61);
}

TEST_F(RankingTest, TheOrderDoesNotDependOnHowMuchOfItIsAskedFor) {
  for (std::uint64_t id = 0; id < 300; ++id) {
    Add(id,
        "w" + std::to_string(id % 17) + " w" + std::to_string(id % 5) + " x" + std::to_string(id));
  }
  for (const SearchMode mode : {SearchMode::kDense, SearchMode::kLexical, SearchMode::kHybrid}) {
    const auto all = Ids(Rank(mode, "w3 w4 x7", 100));
    const auto some = Ids(Rank(mode, "w3 w4 x7", 7));
    EXPECT_THAT(some, ElementsAreArray(all.begin(), all.begin() + 7));
  }
}

TEST_F(RankingTest, OnlyTheBestOfEachGroupCountsHoweverDeepTheOthersAre) {
  for (std::uint64_t id = 0; id < 200; ++id) Add(id, "topic topic topic");
  Add(200, "topic other");
  Add(201, "topic third thing");
  const auto document = [](ChunkId chunk) { return std::max<std::uint64_t>(ToNumber(chunk), 199); };
  for (const SearchMode mode : {SearchMode::kDense, SearchMode::kLexical, SearchMode::kHybrid}) {
    const auto ranked = Rank(mode, "topic", 3, document);
    EXPECT_EQ(ranked.size(), 3u);
    EXPECT_LT(ToNumber(ranked[0].chunk), 200u);
  }
  EXPECT_EQ(Rank(SearchMode::kDense, "topic", 10, document).size(), 3u);
}

}  // namespace
}  // namespace quire::retrieval
