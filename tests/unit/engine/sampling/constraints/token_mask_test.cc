#include "engine/sampling/constraints/token_mask.h"

#include <gmock/gmock.h>

#include <random>

#include "engine/sampling/constraints/constraint_compiler.h"
#include "engine/sampling/logits.h"
#include "kernels/token_sampler.h"
#include "tests/support/listed_tokenizer.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using quire::testing::ByteTokens;
using quire::testing::IsOk;
using quire::testing::ListedTokenizer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Texts of the tokens that a mask allows, in the order of their ids.
std::vector<std::string> Allowed(const TokenMask& mask, const Tokenizer& tokenizer) {
  std::vector<std::string> texts;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    if (mask.Allows(id)) texts.push_back(tokenizer.TokenText(id));
  }
  return texts;
}

class AllowedTokensTest : public ::testing::Test {
 protected:
  // The byte tokens and `more`; the last is special.
  void SetVocabulary(std::vector<std::string> more, bool strips_space = false) {
    std::vector<std::string> tokens = ByteTokens();
    tokens.insert(tokens.end(), more.begin(), more.end());
    tokens.push_back("</s>");
    const auto last = static_cast<TokenId>(tokens.size()) - 1;
    tokenizer_ = std::make_unique<ListedTokenizer>(tokens, std::vector{last}, strips_space);
    compiler_ = std::make_unique<ConstraintCompiler>(*tokenizer_, last + 1, std::vector{last});
  }

  ConstraintMatcher Match(const ConstraintSpec& spec, bool strips_space = false) {
    auto constraint = compiler_->Compile(spec);
    EXPECT_THAT(constraint, IsOk());
    return ConstraintMatcher(*constraint, strips_space);
  }
  void Accept(ConstraintMatcher& matcher, std::string_view token) {
    EXPECT_TRUE(matcher.Accept(*tokenizer_->FindToken(token))) << token;
  }
  std::vector<std::string> Next(const ConstraintMatcher& matcher) {
    return Allowed(AllowedTokens(matcher).mask, *tokenizer_);
  }

  std::unique_ptr<ListedTokenizer> tokenizer_;
  std::unique_ptr<ConstraintCompiler> compiler_;
};

TEST_F(AllowedTokensTest, TokensOfManyBytesMustFitWhole) {
  SetVocabulary({"ab", "abc", "abx", "bc", "cab"});
  ConstraintMatcher matcher = Match(RegexConstraint{"(abc)+"});
  EXPECT_THAT(Next(matcher), ElementsAre("a", "ab", "abc"));
  Accept(matcher, "ab");
  EXPECT_THAT(Next(matcher), ElementsAre("c", "cab"));
  EXPECT_FALSE(matcher.IsAccepting());
  Accept(matcher, "cab");
  Accept(matcher, "c");
  EXPECT_TRUE(matcher.IsAccepting());
}

TEST_F(AllowedTokensTest, CharactersMayBeSplitOverTokens) {
  SetVocabulary({"\xC3", "\xA9\xC3", "x\xC3", "\xE2\x82"});
  ConstraintMatcher matcher = Match(RegexConstraint{"[\xC3\xA9x]{3}"});
  EXPECT_THAT(Next(matcher), ElementsAre("x", "\xC3", "\xC3", "x\xC3"));
  Accept(matcher, "x\xC3");
  EXPECT_THAT(Next(matcher), ElementsAre("\xA9", "\xA9\xC3"));
  Accept(matcher, "\xA9\xC3");
  EXPECT_THAT(Next(matcher), ElementsAre("\xA9"));
}

TEST_F(AllowedTokensTest, SpecialTokensAreNeverText) {
  SetVocabulary({});
  ConstraintMatcher matcher = Match(RegexConstraint{".*"});
  EXPECT_FALSE(AllowedTokens(matcher).mask.Allows(256));
  EXPECT_FALSE(matcher.Accept(256));
}

TEST_F(AllowedTokensTest, TokenMayCloseAndOpenManyValues) {
  SetVocabulary({"]]", "]]]", "],[", "]],[[1", "1]"});
  ConstraintMatcher matcher =
      Match(JsonSchemaConstraint{R"({"$ref": "#/$defs/t", "$defs": {"t": {"anyOf":
            [{"const": 1}, {"type": "array", "items": {"$ref": "#/$defs/t"}}]}}})"});
  for (const char* token : {"[", "[", "[", "1"}) Accept(matcher, token);
  EXPECT_THAT(Next(matcher), ElementsAre("\n", " ", ",", "]", "]]", "]]]", "],[", "]],[[1"));
  Accept(matcher, "]]");
  // One list is open: "]]" closes too many, and nothing follows the last.
  EXPECT_THAT(Next(matcher), ElementsAre("\n", " ", ",", "]"));
}

TEST_F(AllowedTokensTest, FirstSpaceIsLeftOutWhereTheDetokenizerDoes) {
  SetVocabulary({" a", "  a", " b", "ab"}, /*strips_space=*/true);
  ConstraintMatcher matcher = Match(RegexConstraint{"ab"}, /*strips_space=*/true);
  EXPECT_THAT(Next(matcher), ElementsAre(" ", "a", " a", "ab"));
  Accept(matcher, " a");
  EXPECT_THAT(Next(matcher), ElementsAre("b"));
  matcher = Match(RegexConstraint{" ab"}, /*strips_space=*/true);
  EXPECT_THAT(Next(matcher), ElementsAre(" ", "  a"));
  Accept(matcher, " ");
  EXPECT_THAT(Next(matcher), ElementsAre(" ", " a"));
  EXPECT_FALSE(matcher.strips_next_space());
}

TEST_F(AllowedTokensTest, WhatCannotBeCompletedIsNotBegun) {
  // No token "b" alone: "ab" can be written, "a" alone leads nowhere.
  const ListedTokenizer tokenizer({"a", "ab", "c", "cb"});
  ConstraintCompiler compiler(tokenizer, 4, {});
  const auto constraint = compiler.Compile(RegexConstraint{"ab|c"});
  ASSERT_THAT(constraint, IsOk());
  const ConstraintMatcher matcher(*constraint, false);
  EXPECT_THAT(Allowed(AllowedTokens(matcher).mask, tokenizer), ElementsAre("ab", "c"));
  // Every output must be possible with tokens of one byte, so that none is ever stuck.
  EXPECT_FALSE(compiler.Compile(RegexConstraint{"ab"}).ok());
}

TEST_F(AllowedTokensTest, DeepValuesMayOnlyBeClosed) {
  SetVocabulary({"[["});
  ConstraintMatcher matcher = Match(JsonSchemaConstraint{R"({"type": "array"})"});
  int depth = 0;
  while (AllowedTokens(matcher).mask.Allows('[')) {
    Accept(matcher, "[");
    ASSERT_LT(++depth, 100);
  }
  EXPECT_GE(depth, 60);
  EXPECT_FALSE(AllowedTokens(matcher).mask.Allows(256));
  for (; depth > 0; --depth) Accept(matcher, "]");
  EXPECT_TRUE(matcher.IsAccepting());
  EXPECT_THAT(Next(matcher), IsEmpty());
}

// The mask against reading every token by itself, over random walks.
TEST_F(AllowedTokensTest, MaskAgreesWithTheMatcherTokenByToken) {
  std::vector<std::string> more;
  std::mt19937 random(11);
  constexpr std::string_view kBytes = "{}[]\",:01ab \n\\u\xC3\xA9";
  for (int i = 0; i < 400; ++i) {
    std::string token;
    for (std::size_t size = 2 + random() % 4; size > 0; --size) {
      token += kBytes[random() % kBytes.size()];
    }
    more.push_back(token);
  }
  SetVocabulary(more, /*strips_space=*/true);
  for (int walk = 0; walk < 20; ++walk) {
    ConstraintMatcher matcher = Match(JsonSchemaConstraint{"true"}, walk % 2 == 0);
    for (int step = 0; step < 40; ++step) {
      const ConstraintStep next = AllowedTokens(matcher);
      EXPECT_TRUE(next.Covers(matcher.stack()));
      std::vector<TokenId> allowed;
      for (TokenId id = 0; id < tokenizer_->vocab_size(); ++id) {
        ConstraintMatcher copy = matcher;
        ASSERT_EQ(next.mask.Allows(id), copy.Accept(id))
            << "walk " << walk << " step " << step << " token " << tokenizer_->TokenText(id);
        if (next.mask.Allows(id)) allowed.push_back(id);
      }
      EXPECT_EQ(next.mask.num_allowed(), static_cast<std::int32_t>(allowed.size()));
      if (allowed.empty()) break;
      ASSERT_TRUE(matcher.Accept(allowed[random() % allowed.size()]));
    }
  }
}

TEST(TokenMaskTest, MasksAlikeHoweverManyItAllows) {
  std::mt19937 random(3);
  for (const std::int32_t vocab_size : {1, 63, 64, 65, 1000}) {
    for (const double share : {0.0, 0.01, 0.3, 0.7, 0.99, 1.0}) {
      std::vector<std::uint64_t> words((static_cast<std::size_t>(vocab_size) + 63) / 64);
      std::vector<float> logits;
      std::vector<float> expected;
      for (std::int32_t id = 0; id < vocab_size; ++id) {
        const auto i = static_cast<std::size_t>(id);
        const bool allowed = std::uniform_real_distribution(0.0, 1.0)(random) < share;
        logits.push_back(static_cast<float>(id));
        expected.push_back(allowed ? logits.back() : kMaskedLogit);
        if (allowed) words[i / 64] |= std::uint64_t{1} << (i % 64);
      }
      const TokenMask mask(words, vocab_size);
      std::vector<std::uint32_t> bits(static_cast<std::size_t>(kernels::MaskWords(vocab_size)),
                                      0xABCD1234u);
      mask.CopyTo(bits);
      std::vector<float> masked = logits;
      kernels::MaskLogits(masked, bits.data());
      EXPECT_EQ(masked, expected) << vocab_size << " " << share;
      for (std::int32_t id = 0; id < vocab_size; ++id) {
        EXPECT_EQ(mask.Allows(id), masked[static_cast<std::size_t>(id)] != kMaskedLogit);
      }
    }
  }
}

}  // namespace
}  // namespace quire::engine
