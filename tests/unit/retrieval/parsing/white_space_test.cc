#include "retrieval/parsing/white_space.h"

#include <gmock/gmock.h>

namespace quire::retrieval {
namespace {

std::string_view Trim(std::string_view text) {
  const ByteRange range = TrimWhiteSpace(text, {0, text.size()});
  return text.substr(range.start, range.end - range.start);
}

TEST(WhiteSpaceTest, TrimsUnicodeWhiteSpaceAtBothEnds) {
  EXPECT_EQ(Trim(" \t\r\n a b \xC2\xA0\xE3\x80\x80\xE2\x80\xA8"), "a b");
  EXPECT_EQ(Trim("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ(Trim(" \xC2\x85 "), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(WhiteSpaceTest, AByteOrderMarkGoesAtTheStartOfTheTextAlone) {
  EXPECT_EQ(Trim("\xEF\xBB\xBF a \xEF\xBB\xBF"), "a \xEF\xBB\xBF");
  EXPECT_EQ(Trim("\xEF\xBB\xBF\n"), "");
}

TEST(WhiteSpaceTest, ZeroWidthCharactersAreNoWhiteSpace) {
  EXPECT_FALSE(IsWhiteSpace(0x200B));
  EXPECT_FALSE(IsWhiteSpace(0xFEFF));
}

}  // namespace
}  // namespace quire::retrieval
