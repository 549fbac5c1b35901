#include "retrieval/index/lexical_index.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <random>
#include <thread>

namespace quire::retrieval {
namespace {

using ::testing::ElementsAre;

void Add(LexicalIndex& index, std::uint64_t id, std::string_view text) {
  const ChunkId chunk{id};
  const ChunkTerms terms = index.Analyze(text);
  index.Add(std::span(&chunk, 1), std::span(&terms, 1));
}

void Remove(LexicalIndex& index, std::uint64_t id) {
  const ChunkId chunk{id};
  index.Remove(std::span(&chunk, 1));
}

std::vector<std::uint64_t> Found(const LexicalIndex& index, std::string_view query, int k = 10,
                                 const ChunkFilter* filter = nullptr) {
  std::vector<std::uint64_t> ids;
  for (const auto& hit : index.Search(query, k, filter)) ids.push_back(ToNumber(hit.chunk));
  return ids;
}

TEST(LexicalIndexTest, ScoresAreThoseOfTheFormula) {
  LexicalIndex index;
  Add(index, 1, "wing lift lift");
  Add(index, 2, "wing drag");
  Add(index, 3, "tail");
  const auto hits = index.Search("lift wing", 10, nullptr);
  ASSERT_EQ(hits.size(), 2u);
  const auto weight = [](double count, double length) {
    return count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / 2.0));
  };
  const double idf_lift = std::log(1 + (3 - 1 + 0.5) / (1 + 0.5));
  const double idf_wing = std::log(1 + (3 - 2 + 0.5) / (2 + 0.5));
  EXPECT_EQ(hits[0].chunk, ChunkId{1});
  EXPECT_NEAR(hits[0].score, idf_lift * weight(2, 3) + idf_wing * weight(1, 3), 1e-12);
  EXPECT_EQ(hits[1].chunk, ChunkId{2});
  EXPECT_NEAR(hits[1].score, idf_wing * weight(1, 2), 1e-12);
}

TEST(LexicalIndexTest, FindsChunksThatShareAWord) {
  LexicalIndex index;
  Add(index, 1, "The quick brown fox");
  Add(index, 2, "A lazy dog");
  EXPECT_THAT(Found(index, "FOX?"), ElementsAre(1));
  EXPECT_THAT(Found(index, "cat"), ElementsAre());
  EXPECT_THAT(Found(index, "..."), ElementsAre());
}

TEST(LexicalIndexTest, EqualScoresComeInOrderOfId) {
  LexicalIndex index;
  for (const std::uint64_t id : {3, 5, 9}) Add(index, id, "same words");
  EXPECT_THAT(Found(index, "words", 2), ElementsAre(3, 5));
}

TEST(LexicalIndexTest, AFilterLeavesItsChunks) {
  LexicalIndex index;
  for (std::uint64_t id = 0; id < 10; ++id) Add(index, id, "word");
  const ChunkFilter filter({{ChunkId{4}, 2}});
  EXPECT_THAT(Found(index, "word", 10, &filter), ElementsAre(4, 5));
}

std::string RandomWords(std::mt19937& random) {
  std::string text;
  const auto count = 1 + random() % 20;
  for (unsigned i = 0; i < count; ++i) text += "w" + std::to_string(random() % 30) + " ";
  return text;
}

TEST(LexicalIndexTest, ResultsDependOnTheChunksThatAreThereAlone) {
  std::mt19937 random(5);
  LexicalIndex lived;
  std::map<std::uint64_t, std::string> live;
  std::uint64_t next_id = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 10; ++i) {
      live[next_id] = RandomWords(random);
      Add(lived, next_id, live[next_id]);
      ++next_id;
    }
    for (int i = 0; i < 8; ++i) {
      const std::uint64_t id = random() % next_id;
      live.erase(id);
      Remove(lived, id);
    }
    LexicalIndex rebuilt;
    rebuilt.Analyze("w29 w7 w3");  // another order of term ids
    for (const auto& [id, text] : live) Add(rebuilt, id, text);
    ASSERT_EQ(lived.size(), rebuilt.size());
    for (int i = 0; i < 10; ++i) {
      const std::string query = RandomWords(random);
      const auto expected = rebuilt.Search(query, 20, nullptr);
      const auto actual = lived.Search(query, 20, nullptr);
      ASSERT_EQ(actual.size(), expected.size());
      for (std::size_t hit = 0; hit < actual.size(); ++hit) {
        ASSERT_EQ(actual[hit].chunk, expected[hit].chunk);
        ASSERT_EQ(actual[hit].score, expected[hit].score) << "to the last bit";
      }
    }
  }
}

TEST(LexicalIndexTest, AnIndexThatLostAllItsChunksIsEmpty) {
  LexicalIndex index;
  Add(index, 1, "word");
  Remove(index, 1);
  Remove(index, 1);
  EXPECT_EQ(index.size(), 0);
  EXPECT_THAT(Found(index, "word"), ElementsAre());
  Add(index, 2, "word");
  EXPECT_THAT(Found(index, "word"), ElementsAre(2));
}

TEST(LexicalIndexTest, SearchesRunBesideChanges) {
  LexicalIndex index;
  Add(index, 0, "anchor");
  std::thread writer([&] {
    for (std::uint64_t id = 1; id < 500; ++id) {
      Add(index, id, "anchor w" + std::to_string(id));
      Remove(index, id);
    }
  });
  for (int i = 0; i < 500; ++i) EXPECT_GE(Found(index, "anchor").size(), 1u);
  writer.join();
  EXPECT_THAT(Found(index, "anchor"), ElementsAre(0));
}

}  // namespace
}  // namespace quire::retrieval
