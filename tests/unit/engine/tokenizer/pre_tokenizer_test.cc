#include "engine/tokenizer/pre_tokenizer.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

std::vector<std::string> CutPieces(const json& spec, const std::string& text,
                                   bool starts_input = true) {
  const auto setup = NewPreTokenizer(JsonField(spec, "pre_tokenizer"));
  EXPECT_THAT(setup, quire::testing::IsOk());
  PreTokenizedText work;
  work.text = AlignedText(text, 0, false);
  work.pieces = {{0, text.size(), PreTokenizedText::kNoToken}};
  work.starts_input = starts_input;
  setup->pre_tokenizer->Split(work);
  std::vector<std::string> pieces;
  for (const auto& piece : work.pieces) pieces.emplace_back(work.Text(piece));
  return pieces;
}

json Split(const std::string& behavior, bool invert = false) {
  return {{"type", "Split"},
          {"pattern", {{"String", "-"}}},
          {"behavior", behavior},
          {"invert", invert}};
}

TEST(PreTokenizerTest, SplitBehaviors) {
  const std::string text = "the-final--countdown";
  EXPECT_THAT(CutPieces(Split("Removed"), text), ElementsAre("the", "final", "countdown"));
  EXPECT_THAT(CutPieces(Split("Isolated"), text),
              ElementsAre("the", "-", "final", "-", "-", "countdown"));
  EXPECT_THAT(CutPieces(Split("MergedWithPrevious"), text),
              ElementsAre("the-", "final-", "-", "countdown"));
  EXPECT_THAT(CutPieces(Split("MergedWithNext"), text),
              ElementsAre("the", "-final", "-", "-countdown"));
  EXPECT_THAT(CutPieces(Split("Contiguous"), text),
              ElementsAre("the", "-", "final", "--", "countdown"));
  EXPECT_THAT(CutPieces(Split("Removed", true), text), ElementsAre("-", "-", "-"));
}

// U+0560 is Armenian since Unicode 11 only; what has no script belongs to what is before it.
TEST(PreTokenizerTest, ScriptsAreThoseOfUnicode9) {
  EXPECT_THAT(CutPieces({{"type", "UnicodeScripts"}}, "a\u0560b\u0561"),
              ElementsAre("a\u0560b", "\u0561"));
}

TEST(PreTokenizerTest, ByteLevelMayPutASpaceInFront) {
  EXPECT_THAT(CutPieces({{"type", "ByteLevel"}, {"add_prefix_space", true}}, "a b"),
              ElementsAre(" a", " b"));
  EXPECT_THAT(
      CutPieces({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}, "a b"),
      ElementsAre("a b"));
}

json Sequence(const json& steps) { return {{"type", "Sequence"}, {"pretokenizers", steps}}; }

TEST(PreTokenizerTest, StepsAfterByteLevelSeeItsAlphabet) {
  const json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const json digits = {{"type", "Digits"}, {"individual_digits", false}};
  // "ü" is spelled "Ã¼", and "¼" is a number.
  EXPECT_THAT(CutPieces(Sequence({bytes, digits}), "aü12", true), ElementsAre("a\xC3",
                                                                              "\xBC"
                                                                              "12"));
  EXPECT_THAT(CutPieces(Sequence({Sequence(json::array({bytes})), digits}), "a12", true),
              ElementsAre("a", "12"));
}

TEST(PreTokenizerTest, NothingRewritesAfterByteLevel) {
  for (const char* type : {"Metaspace", "ByteLevel"}) {
    const json spec =
        Sequence({{{"type", "ByteLevel"}}, Sequence(json::array({{{"type", type}}}))});
    EXPECT_THAT(NewPreTokenizer(JsonField(spec, "pre_tokenizer")).status(),
                quire::testing::FailsWith(absl::StatusCode::kInvalidArgument, "pretokenizers[1]"));
  }
}

TEST(PreTokenizerTest, CharDelimiterSplitDropsTheDelimiter) {
  EXPECT_THAT(CutPieces({{"type", "CharDelimiterSplit"}, {"delimiter", "é"}}, "aébéé c", true),
              ElementsAre("a", "b", " c"));
}

TEST(PreTokenizerTest, UnicodeScriptsKeepsSpacesWithTheScriptBefore) {
  EXPECT_THAT(CutPieces({{"type", "UnicodeScripts"}}, "Apples are りんご 林檎ー。Yes", true),
              ElementsAre("Apples are ", "りんご 林檎ー", "。", "Yes"));
}

TEST(PreTokenizerTest, FixedLengthCountsCharacters) {
  EXPECT_THAT(CutPieces({{"type", "FixedLength"}, {"length", 3}}, "Hé👋 wo", true),
              ElementsAre("Hé👋", " wo"));
  const json spec = {{"type", "FixedLength"}, {"length", 0}};
  EXPECT_THAT(NewPreTokenizer(JsonField(spec, "pre_tokenizer")).status(),
              quire::testing::FailsWith(absl::StatusCode::kInvalidArgument, "at least 1"));
}

TEST(PreTokenizerTest, MetaspacePrependsByScheme) {
  const auto spec = [](const std::string& scheme) {
    return json{{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}};
  };
  EXPECT_THAT(CutPieces(spec("always"), "a b", false), ElementsAre("▁a", "▁b"));
  EXPECT_THAT(CutPieces(spec("first"), "a b", true), ElementsAre("▁a", "▁b"));
  EXPECT_THAT(CutPieces(spec("first"), "a b", false), ElementsAre("a", "▁b"));
  EXPECT_THAT(CutPieces(spec("never"), "a  b", true), ElementsAre("a", "▁", "▁b"));
  EXPECT_THAT(CutPieces({{"type", "Metaspace"}, {"add_prefix_space", false}}, "a"),
              ElementsAre("a"));
  EXPECT_THAT(CutPieces({{"type", "Metaspace"}, {"split", false}}, "a b"), ElementsAre("▁a▁b"));
}

TEST(PreTokenizerTest, WordsAndPunctuation) {
  const std::string text = "don't (stop)  12é!";
  EXPECT_THAT(CutPieces({{"type", "BertPreTokenizer"}}, text),
              ElementsAre("don", "'", "t", "(", "stop", ")", "12é", "!"));
  EXPECT_THAT(CutPieces({{"type", "Whitespace"}}, text),
              ElementsAre("don", "'", "t", "(", "stop", ")", "12é", "!"));
  EXPECT_THAT(CutPieces({{"type", "Whitespace"}}, "a?! b"), ElementsAre("a", "?!", "b"));
  EXPECT_THAT(CutPieces({{"type", "WhitespaceSplit"}}, text),
              ElementsAre("don't", "(stop)", "12é!"));
  EXPECT_THAT(CutPieces({{"type", "Digits"}}, "a123b"), ElementsAre("a", "123", "b"));
  EXPECT_THAT(CutPieces({{"type", "Digits"}, {"individual_digits", true}}, "a12"),
              ElementsAre("a", "1", "2"));
  EXPECT_THAT(CutPieces({{"type", "Punctuation"}}, "a,.b"), ElementsAre("a", ",", ".", "b"));
}

TEST(PreTokenizerTest, SequenceRefinesPieces) {
  const json spec = {{"type", "Sequence"},
                     {"pretokenizers", {{{"type", "WhitespaceSplit"}}, {{"type", "Digits"}}}}};
  EXPECT_THAT(CutPieces(spec, "a1 2b"), ElementsAre("a", "1", "2", "b"));
}

}  // namespace
}  // namespace quire::engine
