#include "engine/sampling/constraints/decimal_range.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/sampling/constraints/constraint.h"
#include "engine/sampling/constraints/determinizer.h"
#include "tests/support/listed_tokenizer.h"
#include "tests/support/status_matchers.h"

namespace quire::engine::constraints {
namespace {

using quire::testing::IsOk;

// The numbers of a range as a matcher of texts.
class DecimalRangeTest : public ::testing::Test {
 protected:
  void Build(std::int64_t min, std::int64_t max, int fraction_digits) {
    CompileBudget budget({});
    Nfa nfa(budget);
    const RuleId root = nfa.AddRule();
    AddDecimals(min, max, fraction_digits, nfa.rule(root).begin, nfa.rule(root).end, nfa);
    auto automaton = Determinize(nfa, root, std::bitset<256>().set());
    ASSERT_THAT(automaton, IsOk()) << min << " to " << max;
    constraint_ = std::make_shared<const Constraint>(*std::move(automaton), vocabulary_);
  }

  bool Accepts(std::string_view text) const {
    ConstraintMatcher matcher(constraint_, false);
    for (const char byte : text) {
      if (!matcher.Accept(static_cast<unsigned char>(byte))) return false;
    }
    return matcher.IsAccepting();
  }

  const quire::testing::ListedTokenizer tokenizer_{quire::testing::ByteTokens()};
  const std::shared_ptr<const VocabularyTrie> vocabulary_ =
      std::make_shared<const VocabularyTrie>(tokenizer_, 256, std::span<const TokenId>());
  std::shared_ptr<const Constraint> constraint_;
};

TEST_F(DecimalRangeTest, SmallIntegerRangesHoldTheirNumbersAlone) {
  std::mt19937 random(7);
  std::uniform_int_distribution<std::int64_t> bound(-1200, 1200);
  for (int round = 0; round < 60; ++round) {
    std::int64_t min = bound(random);
    std::int64_t max = bound(random);
    if (min > max) std::swap(min, max);
    Build(min, max, 0);
    for (std::int64_t n = -1500; n <= 1500; ++n) {
      ASSERT_EQ(Accepts(fmt::format("{}", n)), min <= n && n <= max)
          << n << " in " << min << " to " << max;
    }
    for (const char* bad : {"", "-", "-0", "00", "01", "+1", "1.0", "1e2", " 1"}) {
      ASSERT_FALSE(Accepts(bad)) << bad << " in " << min << " to " << max;
    }
  }
}

TEST_F(DecimalRangeTest, FractionsCountAsTheirValue) {
  std::mt19937 random(8);
  std::uniform_int_distribution<std::int64_t> bound(-2500, 2500);  // hundredths
  for (int round = 0; round < 60; ++round) {
    std::int64_t min = bound(random);
    std::int64_t max = bound(random);
    if (min > max) std::swap(min, max);
    Build(min, max, 2);
    for (std::int64_t n = -2700; n <= 2700; ++n) {
      const bool inside = min <= n && n <= max;
      const std::string sign = n < 0 ? "-" : "";
      const std::int64_t size = std::abs(n);
      ASSERT_EQ(Accepts(fmt::format("{}{}.{:02}", sign, size / 100, size % 100)), inside)
          << n << " in " << min << " to " << max;
      if (size % 10 == 0) {
        ASSERT_EQ(Accepts(fmt::format("{}{}.{}", sign, size / 100, size % 100 / 10)), inside) << n;
      }
      if (size % 100 == 0) {
        ASSERT_EQ(Accepts(fmt::format("{}{}", sign, size / 100)), inside) << n;
      }
    }
    for (const char* bad : {"1.", ".5", "1.123", "-0", "-0.0", "1.0e1"}) {
      ASSERT_FALSE(Accepts(bad)) << bad;
    }
  }
}

TEST_F(DecimalRangeTest, LargestNumbersFit) {
  Build(-kMaxDecimalUnits, kMaxDecimalUnits, 0);
  EXPECT_TRUE(Accepts("999999999999999999"));
  EXPECT_TRUE(Accepts("-999999999999999999"));
  EXPECT_TRUE(Accepts("0"));
  EXPECT_FALSE(Accepts("1000000000000000000"));
  Build(kMaxDecimalUnits - 1, kMaxDecimalUnits, 6);
  EXPECT_TRUE(Accepts("999999999999.999998"));
  EXPECT_FALSE(Accepts("999999999999.999997"));
  EXPECT_FALSE(Accepts("999999999999"));
}

TEST_F(DecimalRangeTest, EmptyRangeHasNoNumbers) {
  CompileBudget budget({});
  Nfa nfa(budget);
  const RuleId root = nfa.AddRule();
  AddDecimals(5, 4, 0, nfa.rule(root).begin, nfa.rule(root).end, nfa);
  EXPECT_FALSE(Determinize(nfa, root, std::bitset<256>().set()).ok());
}

}  // namespace
}  // namespace quire::engine::constraints
