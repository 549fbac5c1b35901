#include "engine/tokenizer/piece_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace quire::engine {
namespace {

TEST(PieceCacheTest, FindsWhatWasPut) {
  PieceCache cache;
  std::vector<SubwordToken> tokens = {{9, 0, 1}, {1, 0, 2}, {2, 2, 5}};
  const PieceCache::Piece hello("hello");
  EXPECT_FALSE(cache.Find(hello, tokens));
  cache.Put(hello, tokens, 1);
  std::vector<SubwordToken> found;
  ASSERT_TRUE(cache.Find(PieceCache::Piece("hello"), found));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].id, 2);
  EXPECT_EQ(found[1].begin, 2u);
  EXPECT_EQ(found[1].end, 5u);
}

// Every length, and pieces that differ in one byte or in a zero at their end.
TEST(PieceCacheTest, TellsPiecesApart) {
  PieceCache cache;
  std::vector<std::string> pieces;
  for (std::size_t size = 1; size <= 24; ++size) {
    pieces.emplace_back(size, 'x');
    pieces.emplace_back(size, '\0');
    for (std::size_t at = 0; at < size; ++at) {
      pieces.push_back(std::string(size, 'x'));
      pieces.back()[at] = '\x80';
    }
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    cache.Put(PieceCache::Piece(pieces[i]), {{id, 0, static_cast<std::uint32_t>(pieces[i].size())}},
              0);
  }
  std::size_t num_found = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::vector<SubwordToken> found;
    if (!cache.Find(PieceCache::Piece(pieces[i]), found)) continue;  // another took its slot
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].id, static_cast<TokenId>(i));
    ++num_found;
  }
  EXPECT_GT(num_found, pieces.size() * 9 / 10);
}

TEST(PieceCacheTest, LeavesOutLongPieces) {
  PieceCache cache;
  std::vector<SubwordToken> tokens = {{1, 0, 25}};
  const PieceCache::Piece piece(std::string(25, 'x'));
  cache.Put(piece, tokens, 0);
  EXPECT_FALSE(cache.Find(piece, tokens));
}

TEST(PieceCacheTest, ThreadsSeeWholeEntries) {
  PieceCache cache;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache] {
      for (int i = 0; i < 20'000; ++i) {
        const PieceCache::Piece piece(std::to_string(i % 997));
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
