#include "engine/tokenizer/sentence_piece_normalizer.h"

#include <gtest/gtest.h>

namespace quire::engine {
namespace {

std::string NormalizedBySentencePiece(SentencePieceNormalization spec, std::string_view text) {
  AlignedText aligned(std::string(text), 0, /*tracked=*/false);
  NewSentencePieceNormalizer(std::move(spec))->Normalize(aligned);
  return aligned.text();
}

TEST(SentencePieceNormalizerTest, SpacesAreEscapedAndReduced) {
  EXPECT_EQ(NormalizedBySentencePiece({}, "  a  b "), "▁a▁b");
  EXPECT_EQ(NormalizedBySentencePiece({.remove_extra_whitespaces = false}, " a  b "), "▁▁a▁▁b▁");
  EXPECT_EQ(NormalizedBySentencePiece({.escape_whitespaces = false}, " a  b "), " a b");
  EXPECT_EQ(NormalizedBySentencePiece({.add_dummy_prefix = false}, " a"), "a");
  EXPECT_EQ(NormalizedBySentencePiece({.whitespace_is_suffix = true}, " a b "), "a▁b▁");
}

TEST(SentencePieceNormalizerTest, NoTextStaysNone) {
  EXPECT_EQ(NormalizedBySentencePiece({}, ""), "");
  EXPECT_EQ(NormalizedBySentencePiece({}, "   "), "");
  EXPECT_EQ(NormalizedBySentencePiece({.remove_extra_whitespaces = false}, ""), "");
  EXPECT_EQ(NormalizedBySentencePiece({.remove_extra_whitespaces = false}, " "), "▁▁");
}

TEST(SentencePieceNormalizerTest, AlignmentLeadsBackToTheText) {
  AlignedText aligned("  a  b", 0, /*tracked=*/true);
  NewSentencePieceNormalizer({})->Normalize(aligned);
  const std::size_t b = aligned.text().find('b');
  EXPECT_EQ(aligned.Origin(b, b + 1).begin, 5u);
  EXPECT_EQ(aligned.Origin(b, b + 1).end, 6u);
  const AlignedText::Range space = aligned.Origin(4, 7);  // "▁" between the words
  EXPECT_EQ(space.begin, 3u);
  EXPECT_EQ(space.end, 4u);
}

}  // namespace
}  // namespace quire::engine
