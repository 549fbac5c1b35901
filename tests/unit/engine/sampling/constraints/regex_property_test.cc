// Random expressions: what the automaton accepts is what PCRE2 matches.

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "base/utf8.h"
#include "engine/sampling/constraints/token_mask.h"
#include "tests/support/byte_constraints.h"
#include "tests/support/pcre2_oracle.h"

namespace quire::engine {
namespace {

using quire::testing::ByteConstraints;
using quire::testing::Pcre2Oracle;

constexpr std::uint32_t kSeed = 20261128;
constexpr int kNumPatterns = 500;
constexpr int kTextsPerPattern = 60;

class RandomPatterns {
 public:
  explicit RandomPatterns(std::mt19937& random) : random_(random) {}

  std::string Alternatives(int depth) {
    std::string pattern = Sequence(depth);
    while (Below(4) == 0) pattern += "|" + Sequence(depth);
    return pattern;
  }

 private:
  std::size_t Below(std::size_t limit) { return random_() % limit; }

  std::string Sequence(int depth) {
    std::string pattern;
    for (std::size_t i = Below(4); i > 0; --i) pattern += Quantified(depth);
    return pattern;
  }

  std::string Quantified(int depth) {
    static const char* const kQuantifiers[] = {"*",  "+",    "?",     "{2}", "{0,2}",
                                               "*?", "{1,}", "{2,3}", "??",  "{0}"};
    const std::string atom = Atom(depth);
    return Below(3) == 0 ? atom + kQuantifiers[Below(std::size(kQuantifiers))] : atom;
  }

  std::string Atom(int depth) {
    static const char* const kAtoms[] = {"a",
                                         "b",
                                         "c",
                                         "0",
                                         "\xC3\xA9",
                                         "\xF0\x9F\x98\x80",
                                         ".",
                                         "\\d",
                                         "\\W",
                                         "\\S",
                                         "\\n",
                                         "\\x{e9}",
                                         "\\.",
                                         "[ab]",
                                         "[^a]",
                                         "[a-c0-9]",
                                         "[^\\w]",
                                         "[\\d.-]",
                                         "[^\\n]",
                                         "[\\x{e0}-\\x{1F600}]",
                                         "[\xC3\xA9-\xC3\xBC_]",
                                         "\\x41",
                                         "[\\]\\\\]",
                                         " "};
    if (depth > 0 && Below(4) == 0) {
      return (Below(2) == 0 ? "(" : "(?:") + Alternatives(depth - 1) + ")";
    }
    return kAtoms[Below(std::size(kAtoms))];
  }

  std::mt19937& random_;
};

class RegexPropertyTest : public ::testing::Test {
 protected:
  std::size_t Below(std::size_t limit) { return random_() % limit; }

  // A text that `constraint` accepts, if the walk comes to an end.
  std::string Walk(const std::shared_ptr<const Constraint>& constraint) {
    ConstraintMatcher matcher(constraint, false);
    std::string text;
    for (int i = 0; i < 20; ++i) {
      const ConstraintStep step = AllowedTokens(matcher);
      if (step.mask.num_allowed() == 0 || (matcher.IsAccepting() && Below(5) == 0)) break;
      std::vector<TokenId> allowed;
      for (TokenId id = 0; id < 256; ++id) {
        if (step.mask.Allows(id)) allowed.push_back(id);
      }
      const TokenId next = allowed[Below(allowed.size())];
      matcher.Accept(next);
      text += static_cast<char>(next);
    }
    return text;
  }

  std::string Mutate(std::string text) {
    static const std::string kCharacters[] = {
        "a", "b", "0", "\xC3\xA9", "\n", ".", "\xF0\x9F\x98\x80"};
    for (std::size_t i = 0; i <= Below(2); ++i) {
      std::size_t at = Below(text.size() + 1);
      while (at < text.size() && IsUtf8Continuation(text[at])) ++at;
      if (Below(2) == 0 || at == text.size()) {
        text.insert(at, kCharacters[Below(std::size(kCharacters))]);
      } else {
        text.erase(at, static_cast<std::size_t>(DecodeUtf8(text, at).length_bytes));
      }
    }
    return text;
  }

  std::mt19937 random_{kSeed};
};

TEST_F(RegexPropertyTest, AcceptsWhatPcre2Matches) {
  ByteConstraints constraints;
  RandomPatterns patterns(random_);
  int num_matching = 0;
  int num_others = 0;
  for (int i = 0; i < kNumPatterns; ++i) {
    const std::string pattern = patterns.Alternatives(3);
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", pattern " + std::to_string(i) + ": " +
                 pattern);
    const Pcre2Oracle oracle(pattern);
    const auto constraint = constraints.Regex(pattern);
    if (!constraint.ok()) {
      // The only reason here: nothing but the empty text matches.
      ASSERT_NE(Message(constraint.status()).find("empty"), std::string_view::npos)
          << constraint.status();
      EXPECT_EQ(oracle.MatchesWhole(""), true);
      continue;
    }
    std::string text = Walk(*constraint);
    for (int j = 0; j < kTextsPerPattern; ++j) {
      if (FindInvalidUtf8(text) == text.size()) {
        if (const std::optional<bool> expected = oracle.MatchesWhole(text)) {
          ASSERT_EQ(ByteConstraints::Accepts(constraint, text), *expected) << "'" << text << "'";
          ++(*expected ? num_matching : num_others);
        }
      }
      text = j % 3 == 0 ? Walk(*constraint) : Mutate(text);
    }
  }
  // Both answers are put to the test.
  EXPECT_GT(num_matching, 5'000);
  EXPECT_GT(num_others, 5'000);
}

}  // namespace
}  // namespace quire::engine
