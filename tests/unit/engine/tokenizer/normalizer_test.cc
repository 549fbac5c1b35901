#include "engine/tokenizer/normalizer.h"

#include <gmock/gmock.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <random>

#include "base/utf8.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using nlohmann::json;

AlignedText Normalize(const json& spec, const std::string& text) {
  const auto normalizer = NewNormalizer(JsonField(spec, "normalizer"));
  EXPECT_THAT(normalizer, quire::testing::IsOk());
  AlignedText aligned(text, 0, /*tracked=*/true);
  (*normalizer)->Normalize(aligned);
  return aligned;
}

std::string NormalizedText(const json& spec, const std::string& text) {
  return Normalize(spec, text).text();
}

// The original behind [begin, end) of the normalized text.
std::string Original(const AlignedText& aligned, const std::string& original, std::size_t begin,
                     std::size_t end) {
  const AlignedText::Range range = aligned.Origin(begin, end);
  return original.substr(range.begin, range.end - range.begin);
}

TEST(NormalizerTest, PrependLeavesEmptyTextAlone) {
  const json spec = {{"type", "Prepend"}, {"prepend", "▁"}};
  EXPECT_EQ(NormalizedText(spec, "a"), "▁a");
  EXPECT_EQ(NormalizedText(spec, ""), "");
}

TEST(NormalizerTest, ReplaceTakesStringsAndExpressions) {
  EXPECT_EQ(NormalizedText({{"type", "Replace"}, {"pattern", {{"String", "ab"}}}, {"content", "x"}},
                           "abcab"),
            "xcx");
  EXPECT_EQ(
      NormalizedText({{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", " "}},
                     "a   b c"),
      "a b c");
}

TEST(NormalizerTest, UnicodeForms) {
  EXPECT_EQ(NormalizedText({{"type", "NFC"}}, "e\u0301"), "\u00e9");
  EXPECT_EQ(NormalizedText({{"type", "NFD"}}, "\u00e9"), "e\u0301");
  EXPECT_EQ(NormalizedText({{"type", "NFKC"}}, "\ufb01 \u2460"), "fi 1");
  EXPECT_EQ(NormalizedText({{"type", "NFKD"}}, "\u00bd"), "1\u20442");
}

// Tables newer than Unicode 9 would sort the nukta before the mark, and take the era's sign apart.
TEST(NormalizerTest, UnicodeFormsLeaveNewerCharactersAlone) {
  for (const char* form : {"NFC", "NFD", "NFKC", "NFKD"}) {
    for (const std::string text : {"a\u0345\u0C3C", "\u32FF", "a\u0C3C\u0334"}) {
      EXPECT_EQ(NormalizedText({{"type", form}}, text), text) << form;
    }
  }
  EXPECT_EQ(NormalizedText({{"type", "NFD"}}, "a\u0345\u08D4"), "a\u08D4\u0345");
}

TEST(NormalizerTest, UnicodeFormsKeepTheAlignment) {
  const std::string text = "xe\u0301\ufb01y";
  const AlignedText aligned = Normalize({{"type", "NFKC"}}, text);
  ASSERT_EQ(aligned.text(), "x\u00e9fiy");
  EXPECT_EQ(Original(aligned, text, 1, 3), "e\u0301");
  EXPECT_EQ(Original(aligned, text, 3, 4), "\ufb01");
  EXPECT_EQ(Original(aligned, text, 5, 6), "y");
}

TEST(NormalizerTest, LowercaseIsPerCharacter) {
  EXPECT_EQ(NormalizedText({{"type", "Lowercase"}}, "ÀΣ\u0130Z"), "àσi\u0307z");
}

TEST(NormalizerTest, StripAccentsDropsMarksOnly) {
  EXPECT_EQ(NormalizedText({{"type", "StripAccents"}}, "e\u0301\u00e9"), "e\u00e9");
}

TEST(NormalizerTest, StripDropsWhitespaceAtTheEnds) {
  EXPECT_EQ(NormalizedText({{"type", "Strip"}}, " \u3000a b\n"), "a b");
  EXPECT_EQ(NormalizedText({{"type", "Strip"}, {"strip_left", false}}, " a "), " a");
  EXPECT_EQ(NormalizedText({{"type", "Strip"}}, "  "), "");
}

TEST(NormalizerTest, BertCleansSpacesOutCjkAndFolds) {
  const json spec = {{"type", "BertNormalizer"},
                     {"clean_text", true},
                     {"handle_chinese_chars", true},
                     {"strip_accents", nullptr},
                     {"lowercase", true}};
  EXPECT_EQ(NormalizedText(spec, "A\tB\u0000C"), "a b");
  EXPECT_EQ(NormalizedText(spec, "É中x"), "e 中 x");
  EXPECT_EQ(NormalizedText(spec, std::string("a\0b\u200b", 6)), "ab");
}

// U+0C3C is a mark since Unicode 14 and U+08E2 a format character since 9; U+111C9 is one of the
// few that changed, from punctuation to a mark.
TEST(NormalizerTest, BertAndStripAccentsGoByOlderTables) {
  const json bert = {{"type", "BertNormalizer"}, {"lowercase", true}};
  for (const std::string text : {"a\u0C3C", "a\u08E2", "a\U000111C9"}) {
    EXPECT_EQ(NormalizedText(bert, text), text);
    EXPECT_EQ(NormalizedText({{"type", "StripAccents"}}, text), text);
  }
  EXPECT_EQ(NormalizedText(bert, "a\u1734\u1886"), "a\u1886");
  EXPECT_EQ(NormalizedText({{"type", "StripAccents"}}, "a\u1CF2\u08D4\u08D3"), "a\u08D3");
}

// A text without anything to decompose goes through all steps at once; "\u00e9" makes it go through
// them one by one.
TEST(NormalizerTest, BertAtOnceAgreesWithItsSteps) {
  const json spec = {{"type", "BertNormalizer"}, {"lowercase", true}};
  const auto normalizer = NewNormalizer(JsonField(spec, "normalizer"));
  ASSERT_THAT(normalizer, quire::testing::IsOk());
  const auto normalize = [&](std::string text) {
    AlignedText aligned(std::move(text), 0, /*tracked=*/false);
    (*normalizer)->Normalize(aligned);
    return aligned.text();
  };
  for (char32_t c = 1; c < 0x30000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text = "a";
    AppendUtf8(c, text);
    text += 'Z';
    ASSERT_EQ(normalize(text) + 'e', normalize(text + "\u00e9")) << std::uint32_t{c};
  }
}

// Only the stretches around what a form may change are given to ICU: a long text of plain letters
// with characters of all kinds among them, some side by side, is what ICU makes of the whole.
TEST(NormalizerTest, StretchesGiveWhatTheWholeGives) {
  std::mt19937 random(4);
  const std::vector<std::u32string> kinds = {U"aeo",
                                             U"\u0301\u0323\u0327",
                                             U"\u1100\u1161\u11A8",
                                             U"\uAC00\uAC01",
                                             U"\u212B\uFB01\u00E9\u2126",
                                             U"\u09C7\u09BE\u0F71",
                                             U"\U0001D15E\U0001F600\uFFFD"};
  for (const char* form : {"NFC", "NFD", "NFKC", "NFKD"}) {
    UErrorCode error = U_ZERO_ERROR;
    const bool compatible = std::string_view(form).starts_with("NFK");
    const icu::Normalizer2* whole = icu::Normalizer2::getInstance(
        nullptr, compatible ? "nfkc" : "nfc",
        std::string_view(form).ends_with('C') ? UNORM2_COMPOSE : UNORM2_DECOMPOSE, error);
    ASSERT_TRUE(U_SUCCESS(error));
    for (int round = 0; round < 200; ++round) {
      std::string text;
      while (text.size() < 400) {
        text.append(random() % 50, 'x');
        for (std::uint32_t i = random() % 5; i > 0; --i) {
          const std::u32string& kind = kinds[random() % kinds.size()];
          AppendUtf8(kind[random() % kind.size()], text);
        }
      }
      std::string wanted;
      icu::StringByteSink<std::string> sink(&wanted);
      whole->normalizeUTF8(0, icu::StringPiece(text), sink, nullptr, error);
      ASSERT_TRUE(U_SUCCESS(error));
      ASSERT_EQ(NormalizedText({{"type", form}}, text), wanted) << form << ": " << text;
    }
  }
}

TEST(NormalizerTest, LongRunsOfMarksAreOrdered) {
  std::string text = "a";
  std::string below;
  std::string above;
  for (int i = 0; i < 100; ++i) {
    text += "\u0301\u0323";
    below += "\u0323";
    above += "\u0301";
  }
  EXPECT_EQ(NormalizedText({{"type", "NFD"}}, text + "b"), "a" + below + above + "b");
  // One vowel sign of Tibetan is two marks.
  EXPECT_EQ(NormalizedText({{"type", "NFD"}}, text + "\u0F73"), "a\u0F71\u0F72" + below + above);
}

TEST(NormalizerTest, BertKeepsAccentsWithCase) {
  const json spec = {{"type", "BertNormalizer"}, {"lowercase", false}};
  EXPECT_EQ(NormalizedText(spec, "É"), "É");
}

TEST(NormalizerTest, SequenceAppliesInOrderAndKeepsTheAlignment) {
  const json spec = {
      {"type", "Sequence"},
      {"normalizers",
       {{{"type", "NFD"}}, {{"type", "StripAccents"}}, {{"type", "Prepend"}, {"prepend", "_"}}}}};
  const std::string text = "\u00e9a";
  const AlignedText aligned = Normalize(spec, text);
  ASSERT_EQ(aligned.text(), "_ea");
  EXPECT_EQ(Original(aligned, text, 0, 1), "");
  EXPECT_EQ(Original(aligned, text, 1, 2), "\u00e9");
  EXPECT_EQ(Original(aligned, text, 2, 3), "a");
}

TEST(NormalizerTest, WrongSpecsNameTheirField) {
  for (const auto& [spec, place] :
       {std::pair<json, std::string>({{"type", "Quantum"}}, "normalizer.type"),
        {{{"typ", "NFC"}}, "normalizer"},
        {{{"type", "Prepend"}}, "prepend"},
        {{{"type", "Prepend"}, {"prepend", 1}}, "normalizer.prepend"},
        {{{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", ""}}, "pattern.String"},
        {{{"type", "Sequence"}, {"normalizers", 1}}, "normalizer.normalizers"},
        {{{"type", "Strip"}, {"strip_left", 1}}, "normalizer.strip_left"},
        {{{"type", "Precompiled"}, {"precompiled_charsmap", "?"}},
         "normalizer.precompiled_charsmap"},
        {{{"type", "Precompiled"}, {"precompiled_charsmap", "AAA="}},
         "normalizer.precompiled_charsmap"}}) {
    EXPECT_THAT(NewNormalizer(JsonField(spec, "normalizer")),
                quire::testing::FailsWith(absl::StatusCode::kInvalidArgument, place));
  }
}

}  // namespace
}  // namespace quire::engine
