#include "engine/tokenizer/token_decoder.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using nlohmann::json;

StatusOr<TokenDecoder> Decoder(const json& spec) {
  return TokenDecoder::Create(JsonField(spec, "decoder"));
}

TEST(TokenDecoderTest, WithoutADecoderTokensAreJoinedBySpaces) {
  const TokenDecoder decoder = *TokenDecoder::Create(std::nullopt);
  EXPECT_EQ(decoder.Bytes("a", false), " a");
  EXPECT_TRUE(decoder.strips_leading_space());
}

TEST(TokenDecoderTest, ByteLevelReadsTheAlphabet) {
  const TokenDecoder decoder = *Decoder({{"type", "ByteLevel"}});
  EXPECT_EQ(decoder.Bytes("Ġa", false), " a");
  EXPECT_EQ(decoder.Bytes("Ã©", false), "é");
  EXPECT_EQ(decoder.Bytes("日", false), "日");
  EXPECT_EQ(decoder.Bytes("é", true), "é");
  EXPECT_FALSE(decoder.strips_leading_space());
}

TEST(TokenDecoderTest, WordPieceJoinsAndCleansUp) {
  const TokenDecoder decoder =
      *Decoder({{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}});
  EXPECT_EQ(decoder.Bytes("##ing", false), "ing");
  EXPECT_EQ(decoder.Bytes("word", false), " word");
  EXPECT_EQ(decoder.Bytes(".", false), ".");
  EXPECT_EQ(decoder.Bytes("n't", false), "n't");
}

TEST(TokenDecoderTest, SentencePieceSequence) {
  const json spec = {{"type", "Sequence"},
                     {"decoders",
                      {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
                       {{"type", "ByteFallback"}},
                       {{"type", "Fuse"}},
                       {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  const TokenDecoder decoder = *Decoder(spec);
  EXPECT_EQ(decoder.Bytes("▁a▁", false), " a ");
  EXPECT_EQ(decoder.Bytes("<0xE2>", false), "\xE2");
  EXPECT_EQ(decoder.Bytes("<0xG2>", false), "<0xG2>");
  EXPECT_TRUE(decoder.strips_leading_space());
}

TEST(TokenDecoderTest, WhatDependsOnNeighboursIsRefused) {
  const auto after_fuse = [](const json& step) {
    return Decoder({{"type", "Sequence"}, {"decoders", {{{"type", "Fuse"}}, step}}}).status();
  };
  using quire::testing::FailsWith;
  using quire::testing::kInvalid;
  EXPECT_THAT(after_fuse({{"type", "Strip"}, {"content", " "}, {"start", 2}, {"stop", 0}}),
              FailsWith(kInvalid, "decoders[1]"));
  EXPECT_THAT(after_fuse({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 1}}),
              FailsWith(kInvalid, "decoders[1]"));
  EXPECT_THAT(after_fuse({{"type", "Replace"}, {"pattern", {{"String", "ab"}}}, {"content", ""}}),
              FailsWith(kInvalid, "single character"));
  EXPECT_THAT(after_fuse({{"type", "ByteFallback"}}), FailsWith(kInvalid, "decoders[1].type"));
}

}  // namespace
}  // namespace quire::engine
