#include "engine/sampling/constraints/code_points.h"

#include <gmock/gmock.h>

#include <random>
#include <string>

#include "base/utf8.h"

namespace quire::engine::constraints {
namespace {

using ::testing::ElementsAre;
using Range = CodePointSet::Range;

TEST(CodePointSetTest, RangesAreSortedAndJoined) {
  const CodePointSet set({{'m', 'p'}, {'a', 'c'}, {'d', 'd'}, {'o', 'z'}});
  EXPECT_THAT(set.ranges(), ElementsAre(Range{'a', 'd'}, Range{'m', 'z'}));
}

TEST(CodePointSetTest, SurrogatesAndNonCharactersAreNoMembers) {
  const CodePointSet all({{0, 0x7FFFFFFF}});
  EXPECT_THAT(all.ranges(), ElementsAre(Range{0, 0xD7FF}, Range{0xE000, 0x10FFFF}));
  EXPECT_TRUE(all.Complement().empty());
  EXPECT_TRUE(CodePointSet({{0xD800, 0xDFFF}}).empty());
}

TEST(CodePointSetTest, SetOperationsAgreeWithMembership) {
  const CodePointSet a({{0, 10}, {20, 30}, {0xFFFF, 0x10000}});
  const CodePointSet b({{5, 25}, {0x10000, 0x10FFFF}});
  for (char32_t c = 0; c < 40; ++c) {
    EXPECT_EQ(a.Complement().Contains(c), !a.Contains(c)) << static_cast<int>(c);
    EXPECT_EQ(a.And(b).Contains(c), a.Contains(c) && b.Contains(c)) << static_cast<int>(c);
    EXPECT_EQ(a.Without(b).Contains(c), a.Contains(c) && !b.Contains(c)) << static_cast<int>(c);
  }
  EXPECT_THAT(a.Without(b).ranges(),
              ElementsAre(Range{0, 4}, Range{26, 30}, Range{0xFFFF, 0xFFFF}));
}

// How many of `sequences` hold `text`.
int CountMatches(const std::vector<Utf8Sequence>& sequences, std::string_view text) {
  int matches = 0;
  for (const Utf8Sequence& sequence : sequences) {
    bool matched = static_cast<std::size_t>(sequence.length) == text.size();
    for (std::size_t i = 0; i < text.size() && matched; ++i) {
      const auto byte = static_cast<std::uint8_t>(text[i]);
      matched = sequence.bytes[i].first <= byte && byte <= sequence.bytes[i].last;
    }
    matches += matched ? 1 : 0;
  }
  return matches;
}

std::string Encoded(char32_t c) {
  std::string text;
  AppendUtf8(c, text);
  return text;
}

TEST(Utf8SequencesTest, EveryCharacterIsInExactlyOneSequence) {
  std::vector<Utf8Sequence> sequences;
  const CodePointSet all = CodePointSet::All();
  for (const Range& range : all.ranges()) {
    for (const Utf8Sequence& sequence : Utf8Sequences(range)) sequences.push_back(sequence);
  }
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    ASSERT_EQ(CountMatches(sequences, Encoded(c)), 1) << static_cast<std::uint32_t>(c);
  }
  // Overlong, surrogate, too large, cut off.
  for (const char* bad :
       {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    EXPECT_EQ(CountMatches(sequences, bad), 0);
  }
}

TEST(Utf8SequencesTest, RandomRangesHoldTheirCharactersAlone) {
  std::mt19937 random(20261128);
  std::uniform_int_distribution<char32_t> below(0, 0x10FFFF);
  for (int round = 0; round < 300; ++round) {
    const char32_t a = below(random);
    const char32_t b = below(random);
    const CodePointSet set({{std::min(a, b), std::max(a, b)}});
    std::vector<Utf8Sequence> sequences;
    for (const Range& range : set.ranges()) {
      for (const Utf8Sequence& sequence : Utf8Sequences(range)) sequences.push_back(sequence);
    }
    for (int i = 0; i < 200; ++i) {
      // Half of them near the ends, where mistakes are.
      char32_t c = below(random);
      if (i % 2 == 0) c = std::min<char32_t>((i % 4 == 0 ? a : b) + i / 4 - 25, 0x10FFFF);
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      ASSERT_EQ(CountMatches(sequences, Encoded(c)), set.Contains(c) ? 1 : 0)
          << "round " << round << ", character " << static_cast<std::uint32_t>(c);
    }
  }
}

}  // namespace
}  // namespace quire::engine::constraints
