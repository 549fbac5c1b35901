#include "engine/tokenizer/incremental_detokenizer.h"

#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"
#include "tests/support/test_files.h"
#include "tests/unit/engine/tokenizer/tokenizer_files.h"

namespace quire::engine {
namespace {

using testing::ByteLevelConfig;
using testing::LoadTokenizer;

// SentencePiece style: bytes as tokens, a leading space that is stripped.
std::string SentencePieceConfig() {
  nlohmann::json vocab = {{"<unk>", 0}, {"</s>", 1}, {"▁", 2}, {"a", 3}, {"▁a", 4}, {"é", 5}};
  for (int byte = 0; byte < 256; ++byte) vocab[fmt::format("<0x{:02X}>", byte)] = 6 + byte;
  const nlohmann::json config = {
      {"added_tokens", {{{"id", 1}, {"content", "</s>"}, {"special", true}}}},
      {"normalizer",
       {{"type", "Sequence"},
        {"normalizers",
         {{{"type", "Prepend"}, {"prepend", "▁"}},
          {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}}}},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders",
         {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
          {{"type", "ByteFallback"}},
          {{"type", "Fuse"}},
          {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"byte_fallback", true},
        {"vocab", vocab},
        {"merges", {{"▁", "a"}}}}}};
  return config.dump();
}

class IncrementalDetokenizerTest : public ::testing::TestWithParam<std::string> {};

TEST_P(IncrementalDetokenizerTest, PiecesJoinedEqualTheWhole) {
  const auto tokenizer = *LoadTokenizer(GetParam());
  std::mt19937 random(9);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<TokenId> ids(random() % 30);
    for (TokenId& id : ids)
      id = static_cast<TokenId>(random() % static_cast<unsigned>(tokenizer->vocab_size()));
    IncrementalDetokenizer detokenizer(*tokenizer, /*continues=*/false);
    std::string joined;
    for (const TokenId id : ids) {
      const std::string piece = detokenizer.Push(id);
      EXPECT_EQ(FindInvalidUtf8(piece), piece.size());
      joined += piece;
    }
    joined += detokenizer.Finish();
    ASSERT_EQ(joined, *tokenizer->Decode(ids, /*skip_special_tokens=*/true));
  }
}

INSTANTIATE_TEST_SUITE_P(Styles, IncrementalDetokenizerTest,
                         ::testing::Values(ByteLevelConfig().dump(), SentencePieceConfig()));

TEST(IncrementalDetokenizerTest, HoldsBackHalfACharacter) {
  const auto tokenizer = *LoadTokenizer(SentencePieceConfig());
  IncrementalDetokenizer detokenizer(*tokenizer, false);
  EXPECT_EQ(detokenizer.Push(6 + 0xF0), "");
  EXPECT_EQ(detokenizer.Push(6 + 0x9F), "");
  EXPECT_EQ(detokenizer.Push(6 + 0x99), "");
  EXPECT_EQ(detokenizer.Push(6 + 0x82), "🙂");
  EXPECT_EQ(detokenizer.Push(6 + 0xE2), "");
  EXPECT_EQ(detokenizer.Push(3), "\uFFFDa");
  EXPECT_EQ(detokenizer.Push(6 + 0xE2), "");
  EXPECT_EQ(detokenizer.Finish(), "\uFFFD");
}

TEST(IncrementalDetokenizerTest, TheFirstSpaceOfATextIsStrippedUnlessItGoesOn) {
  const auto tokenizer = *LoadTokenizer(SentencePieceConfig());
  IncrementalDetokenizer start(*tokenizer, /*continues=*/false);
  EXPECT_EQ(start.Push(1), "");  // a special token is no text
  EXPECT_EQ(start.Push(4), "a");
  EXPECT_EQ(start.Push(4), " a");
  IncrementalDetokenizer later(*tokenizer, /*continues=*/true);
  EXPECT_EQ(later.Push(4), " a");
}

TEST(IncrementalDetokenizerTest, GreedyTextOfARealModelStreamsUnchanged) {
  const auto directory = quire::testing::SharedData("models/stories260k");
  QUIRE_SKIP_WITHOUT(directory);
  const auto tokenizer = *Tokenizer::Load(directory.string());
  std::ifstream ids_file(directory / "greedy_ids.json");
  const auto ids = nlohmann::json::parse(ids_file).get<std::vector<TokenId>>();
  std::string expected = quire::testing::ReadWholeFile(directory / "greedy.txt");
  IncrementalDetokenizer detokenizer(*tokenizer, false);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.Push(id);
  text += detokenizer.Finish();
  EXPECT_EQ(text + "\n", expected);
}

}  // namespace
}  // namespace quire::engine
