#include "engine/tokenizer/token_windows.h"

#include <gtest/gtest.h>

namespace quire::engine {
namespace {

using Ids = std::vector<std::int32_t>;
using Windows = std::vector<Ids>;

TEST(TokenWindowsTest, LeadingTokensStandBeforeTheText) {
  EXPECT_EQ(LeadingTokens(Ids{1, 7, 8, 2}, Ids{7, 8}), Ids{1});
  EXPECT_EQ(LeadingTokens(Ids{7, 8}, Ids{7, 8}), Ids{});
  EXPECT_EQ(LeadingTokens(Ids{1, 9}, Ids{7}), Ids{});
}

TEST(TokenWindowsTest, EveryTokenStandsInOneWindow) {
  EXPECT_EQ(CutWindows(Ids{5, 6, 7, 8, 9}, Ids{1}, 3), (Windows{{1, 5, 6}, {1, 7, 8}, {1, 9}}));
  EXPECT_EQ(CutWindows(Ids{5, 6, 7, 8}, Ids{}, 2), (Windows{{5, 6}, {7, 8}}));
}

TEST(TokenWindowsTest, AWindowOfOneTokenIsLeftOut) {
  EXPECT_EQ(CutWindows(Ids{5, 6, 7}, Ids{}, 2), (Windows{{5, 6}}));
  EXPECT_EQ(CutWindows(Ids{}, Ids{1}, 3), Windows{});
}

}  // namespace
}  // namespace quire::engine
