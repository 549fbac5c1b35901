#include "retrieval/index/faiss_index.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <thread>

#include "tests/support/status_matchers.h"

namespace quire::retrieval {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::HasCode;
using ::quire::testing::IsOk;
using ::testing::ElementsAre;

constexpr std::int32_t kDimension = 16;

std::vector<float> RandomUnitVectors(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(count * kDimension);
  for (std::size_t row = 0; row < count; ++row) {
    const std::span<float> vector = std::span(vectors).subspan(row * kDimension, kDimension);
    std::ranges::generate(vector, [&] { return normal(random); });
    const float length =
        std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0f));
    for (float& value : vector) value /= length;
  }
  return vectors;
}

std::vector<ChunkId> Ids(std::uint64_t first, std::size_t count) {
  std::vector<ChunkId> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(ChunkId{first + i});
  return ids;
}

std::vector<std::uint64_t> Found(const StatusOr<std::vector<VectorIndex::Hit>>& hits) {
  std::vector<std::uint64_t> ids;
  EXPECT_THAT(hits, IsOk());
  for (const auto& hit : *hits) ids.push_back(ToNumber(hit.chunk));
  return ids;
}

class FaissIndexTest : public ::testing::Test {
 protected:
  std::span<const float> Row(std::size_t row) const {
    return std::span(vectors_).subspan(row * kDimension, kDimension);
  }
  // Ids of the best `k` of the rows in `live` by the definition.
  std::vector<std::uint64_t> Exact(std::span<const float> query, const std::set<std::size_t>& live,
                                   std::size_t k) const {
    std::vector<std::pair<double, std::uint64_t>> ranked;
    for (const std::size_t row : live) {
      const auto vector = Row(row);
      ranked.emplace_back(-std::inner_product(query.begin(), query.end(), vector.begin(), 0.0),
                          100 + row);
    }
    std::ranges::sort(ranked);
    std::vector<std::uint64_t> ids;
    for (const auto& [similarity, id] : ranked) ids.push_back(id);
    ids.resize(std::min(k, ids.size()));
    return ids;
  }

  const std::vector<float> vectors_ = RandomUnitVectors(200, 1);
  const std::vector<float> queries_ = RandomUnitVectors(20, 2);
  const std::unique_ptr<VectorIndex> index_ = NewFaissIndex(kDimension);
};

TEST_F(FaissIndexTest, AnEmptyIndexFindsNothing) {
  EXPECT_THAT(Found(index_->Search(Row(0), 5, nullptr)), ElementsAre());
}

TEST_F(FaissIndexTest, FindsWhatTheDefinitionSays) {
  ASSERT_THAT(index_->Add(Ids(100, 200), vectors_), IsOk());
  std::set<std::size_t> live;
  for (std::size_t row = 0; row < 200; ++row) live.insert(row);
  for (std::size_t i = 0; i < 20; ++i) {
    const auto query = std::span(queries_).subspan(i * kDimension, kDimension);
    EXPECT_EQ(Found(index_->Search(query, 10, nullptr)), Exact(query, live, 10));
  }
}

TEST_F(FaissIndexTest, AVectorIsMostSimilarToItself) {
  ASSERT_THAT(index_->Add(Ids(100, 200), vectors_), IsOk());
  const auto hits = index_->Search(Row(42), 1, nullptr);
  ASSERT_THAT(hits, IsOk());
  EXPECT_EQ(hits->front().chunk, ChunkId{142});
  EXPECT_NEAR(hits->front().similarity, 1.0f, 1e-5f);
}

TEST_F(FaissIndexTest, GivesFewerHitsThanAskedForIfThereAreFewer) {
  ASSERT_THAT(index_->Add(Ids(1, 3), std::span(vectors_).first(3 * kDimension)), IsOk());
  EXPECT_EQ(Found(index_->Search(Row(0), 10, nullptr)).size(), 3u);
  EXPECT_EQ(Found(index_->Search(Row(0), 0, nullptr)).size(), 0u);
}

TEST_F(FaissIndexTest, RemovedChunksAreNotFoundWhateverWasCompacted) {
  ASSERT_THAT(index_->Add(Ids(100, 200), vectors_), IsOk());
  std::set<std::size_t> live;
  for (std::size_t row = 0; row < 200; ++row) live.insert(row);
  std::mt19937 random(3);
  while (live.size() > 5) {
    for (int i = 0; i < 7; ++i) {
      const std::size_t row = random() % 200;
      live.erase(row);
      index_->Remove(Ids(100 + row, 1));  // again for some
    }
    EXPECT_EQ(index_->size(), static_cast<std::int64_t>(live.size()));
    for (std::size_t i = 0; i < 20; ++i) {
      const auto query = std::span(queries_).subspan(i * kDimension, kDimension);
      ASSERT_EQ(Found(index_->Search(query, 10, nullptr)), Exact(query, live, 10));
    }
  }
}

TEST_F(FaissIndexTest, AFilterLeavesItsChunks) {
  ASSERT_THAT(index_->Add(Ids(100, 200), vectors_), IsOk());
  const ChunkFilter filter({{ChunkId{110}, 3}, {ChunkId{150}, 1}, {ChunkId{900}, 5}});
  EXPECT_EQ(Found(index_->Search(Row(0), 10, &filter)), Exact(Row(0), {10, 11, 12, 50}, 10));
}

TEST_F(FaissIndexTest, EqualVectorsComeInOrderOfId) {
  std::vector<float> equal;
  for (int i = 0; i < 5; ++i) equal.insert(equal.end(), Row(0).begin(), Row(0).end());
  ASSERT_THAT(index_->Add(Ids(7, 5), equal), IsOk());
  EXPECT_THAT(Found(index_->Search(Row(0), 5, nullptr)), ElementsAre(7, 8, 9, 10, 11));
}

TEST_F(FaissIndexTest, IdsMustAscend) {
  const auto two = std::span(vectors_).first(2 * kDimension);
  ASSERT_THAT(index_->Add(Ids(10, 2), two), IsOk());
  EXPECT_THAT(index_->Add(Ids(11, 2), two), HasCode(absl::StatusCode::kAlreadyExists));
  const std::vector<ChunkId> twice = {ChunkId{20}, ChunkId{20}};
  EXPECT_THAT(index_->Add(twice, two), HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(index_->size(), 2);
}

TEST_F(FaissIndexTest, AQueryOfAnotherDimensionIsRefused) {
  EXPECT_THAT(index_->Search(std::span(vectors_).first(3), 1, nullptr),
              FailsWith(absl::StatusCode::kInvalidArgument, "wanted 16 dimensions, have 3"));
}

TEST_F(FaissIndexTest, SearchesRunBesideChanges) {
  ASSERT_THAT(index_->Add(Ids(100, 100), std::span(vectors_).first(100 * kDimension)), IsOk());
  std::thread writer([&] {
    for (std::uint64_t i = 100; i < 200; ++i) {
      EXPECT_THAT(index_->Add(Ids(100 + i, 1), Row(i)), IsOk());
      index_->Remove(Ids(i, 1));
    }
  });
  for (int i = 0; i < 200; ++i) {
    const auto hits = index_->Search(Row(static_cast<std::size_t>(i)), 100, nullptr);
    ASSERT_THAT(hits, IsOk());
    EXPECT_GE(hits->size(), 99u);
  }
  writer.join();
  EXPECT_EQ(index_->size(), 100);
}

}  // namespace
}  // namespace quire::retrieval
