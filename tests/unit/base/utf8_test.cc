#include "base/utf8.h"

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(Utf8Test, EncodesAndDecodesTheBordersOfEachLength) {
  for (const char32_t c : {U'\x01', U'\x7F', U'\x80', U'\x7FF', U'\x800', U'\uD7FF', U'\uE000',
                           U'\uFFFF', U'\U00010000', U'\U0010FFFF'}) {
    std::string text;
    AppendUtf8(c, text);
    const DecodedChar decoded = DecodeUtf8(text, 0);
    EXPECT_TRUE(decoded.valid);
    EXPECT_EQ(decoded.code_point, c);
    EXPECT_EQ(decoded.length_bytes, static_cast<int>(text.size()));
  }
}

TEST(Utf8Test, RefusesOverlongFormsSurrogatesAndWhatIsAboveUnicode) {
  for (const char* text : {"\xC0\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\x80", "\xFF"}) {
    EXPECT_EQ(FindInvalidUtf8(text), 0u) << text;
  }
}

TEST(Utf8Test, TheInlinePathsAgreeWithTheGeneralOne) {
  const auto byte = [](int value) { return static_cast<char>(value); };
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      for (const int third : {0x00, 0x7F, 0x80, 0x9F, 0xBF, 0xC0, 0xFF}) {
        const std::string bytes = {byte(first), byte(second), byte(third), '\x80'};
        for (std::size_t size = 1; size <= bytes.size(); ++size) {
          const std::string_view text = std::string_view(bytes).substr(0, size);
          const DecodedChar decoded = DecodeUtf8(text, 0);
          const DecodedChar wanted = DecodeUtf8Sequence(text, 0);
          ASSERT_EQ(decoded.code_point, wanted.code_point) << first << ' ' << second;
          ASSERT_EQ(decoded.length_bytes, wanted.length_bytes) << first << ' ' << second;
          ASSERT_EQ(decoded.valid, wanted.valid) << first << ' ' << second;
        }
      }
    }
  }
}

TEST(Utf8Test, ReplacesManyInvalidBytesAmongOthers) {
  std::string text = "start";
  std::string wanted = text;
  for (int i = 0; i < 1000; ++i) {
    text += "a\xFF\u00e9\xC3";
    wanted += "a\uFFFD\u00e9\uFFFD";
  }
  EXPECT_EQ(ReplaceInvalidUtf8(text), wanted);
}

TEST(Utf8Test, ReplacesTheMaximalSubpart) {
  // The Unicode Standard, table 3-8.
  EXPECT_EQ(ReplaceInvalidUtf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
}

TEST(Utf8Test, FindsTheUnfinishedCharacterAtTheEnd) {
  EXPECT_EQ(IncompleteUtf8Suffix("abc"), 0u);
  EXPECT_EQ(IncompleteUtf8Suffix("ab\xC3"), 1u);
  EXPECT_EQ(IncompleteUtf8Suffix("\xE2\x82"), 2u);
  EXPECT_EQ(IncompleteUtf8Suffix("\xF0\x9F\x98"), 3u);
  EXPECT_EQ(IncompleteUtf8Suffix("\xF0\x9F\x98\x80"), 0u);
  EXPECT_EQ(IncompleteUtf8Suffix("\xE0\x80"), 0u);  // can never become valid
}

}  // namespace
}  // namespace quire
