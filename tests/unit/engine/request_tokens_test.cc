#include "engine/request_tokens.h"

#include <gmock/gmock.h>

#include "engine/sampling/constraints/constraint_compiler.h"
#include "tests/support/listed_tokenizer.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using quire::testing::FailsWith;
using quire::testing::IsOk;
using quire::testing::kInvalid;
using quire::testing::ListedTokenizer;
using ::testing::ElementsAre;

// 0 is "<s>", 1 "</s>", then text.
class RequestTokensTest : public ::testing::Test {
 protected:
  const ListedTokenizer tokenizer_{{"<s>", "</s>", " a", "a", "b"}, {0, 1}, /*strips_space=*/true};
  const std::vector<TokenId> eos_ = {1};
  Request request_;
};

TEST_F(RequestTokensTest, EndTokensAreTheRequestsAndTheModels) {
  request_.stop_token_ids = {4, 3};
  EXPECT_THAT(EndTokens(request_, eos_), ElementsAre(4, 3, 1));
  request_.ignore_eos = true;
  EXPECT_THAT(EndTokens(request_, eos_), ElementsAre(4, 3));
}

TEST_F(RequestTokensTest, OutputContinuesATextNotASpecialToken) {
  request_.prompt = {0, 1, 99};
  EXPECT_FALSE(ContinuesText(request_, tokenizer_));
  request_.prompt = {0, 3};
  EXPECT_TRUE(ContinuesText(request_, tokenizer_));
}

TEST_F(RequestTokensTest, StopTokensOfConstrainedOutputsAreSpecial) {
  request_.stop_token_ids = {0, 3};
  EXPECT_THAT(ValidateConstrainedStop(request_, tokenizer_), IsOk());
  request_.constraint = RegexConstraint{"a"};
  EXPECT_THAT(ValidateConstrainedStop(request_, tokenizer_),
              FailsWith(kInvalid, "stop_token_ids[1]: "));
  request_.stop_token_ids = {0, 99};  // a row of the model without a token
  EXPECT_THAT(ValidateConstrainedStop(request_, tokenizer_), IsOk());
}

TEST_F(RequestTokensTest, StateHoldsWhatTheRequestAsksFor) {
  request_.prompt = {0, 3, 3};
  request_.min_tokens = 7;
  SamplingState state = MakeSamplingState(request_, eos_, tokenizer_, nullptr);
  EXPECT_THAT(state.end_tokens, ElementsAre(1));
  EXPECT_EQ(state.min_tokens, 7);
  EXPECT_FALSE(state.matcher.has_value());
  EXPECT_TRUE(state.counts.entries().empty());
  request_.sampling.repetition_penalty = 1.5f;
  state = MakeSamplingState(request_, eos_, tokenizer_, nullptr);
  EXPECT_EQ(state.counts.entries().size(), 2u);
}

TEST_F(RequestTokensTest, ConstraintLeavesOutTheSpaceThatTheTextLoses) {
  ConstraintCompiler compiler(tokenizer_, 5, eos_);
  const auto constraint = compiler.Compile(RegexConstraint{"a"});
  ASSERT_THAT(constraint, IsOk());
  request_.prompt = {0};
  SamplingState first = MakeSamplingState(request_, eos_, tokenizer_, *constraint);
  EXPECT_TRUE(first.matcher->Accept(2));  // " a" begins the text as "a"
  request_.prompt = {0, 4};
  SamplingState later = MakeSamplingState(request_, eos_, tokenizer_, *constraint);
  EXPECT_FALSE(later.matcher->Accept(2));
}

}  // namespace
}  // namespace quire::engine
