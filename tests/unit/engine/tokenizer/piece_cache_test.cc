#include "engine/tokenizer/piece_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace quire::engine {
namespace {

TEST(PieceCacheTest, FindsWhatWasPut) {
  PieceCache cache;
  std::vector<SubwordToken> tokens = {{9, 0, 1}, {1, 0, 2}, {2, 2, 5}};
  EXPECT_FALSE(cache.Find("hello", tokens));
  cache.Put("hello", tokens, 1);
  std::vector<SubwordToken> found;
  ASSERT_TRUE(cache.Find("hello", found));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].id, 2);
  EXPECT_EQ(found[1].begin, 2u);
  EXPECT_EQ(found[1].end, 5u);
}

TEST(PieceCacheTest, LeavesOutLongPieces) {
  PieceCache cache;
  std::vector<SubwordToken> tokens = {{1, 0, 25}};
  const std::string piece(25, 'x');
  cache.Put(piece, tokens, 0);
  EXPECT_FALSE(cache.Find(piece, tokens));
}

TEST(PieceCacheTest, ThreadsSeeWholeEntries) {
  PieceCache cache;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache] {
      for (int i = 0; i < 20'000; ++i) {
        const std::string piece = std::to_string(i % 997);
        std::vector<SubwordToken> tokens;
        if (cache.Find(piece, tokens)) {
          ASSERT_EQ(tokens.size(), 1u);
          ASSERT_EQ(tokens[0].id, i % 997);
        } else {
          cache.Put(piece, {{i % 997, 0, 1}}, 0);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace quire::engine
