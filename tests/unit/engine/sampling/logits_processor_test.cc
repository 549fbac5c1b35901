#include "engine/sampling/logits_processor.h"

#include <gmock/gmock.h>

#include <limits>

#include "engine/sampling/logits.h"
#include "tests/support/byte_constraints.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using quire::testing::ByteConstraints;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::FloatEq;

class LogitsProcessorTest : public ::testing::Test {
 protected:
  std::vector<float> Process(const std::vector<float>& logits, const SamplingParams& params,
                             const SamplingState& state) {
    const auto processed = processor_.Process(logits, params, state);
    EXPECT_THAT(processed, IsOk());
    return processed.ok() ? std::vector<float>(processed->begin(), processed->end())
                          : std::vector<float>();
  }

  LogitsProcessor processor_;
};

TEST_F(LogitsProcessorTest, CopiesNothingWhereNothingIsAsked) {
  const std::vector<float> logits = {1.0f, 2.0f};
  SamplingState state;
  state.end_tokens = {1};
  const auto processed = processor_.Process(logits, {.temperature = 0.5f, .top_p = 0.5f}, state);
  ASSERT_THAT(processed, IsOk());
  EXPECT_EQ(processed->data(), logits.data());
}

TEST_F(LogitsProcessorTest, RepetitionPenaltyIsAboutPromptAndOutput) {
  const SamplingParams params = {.repetition_penalty = 2.0f};
  const std::vector<TokenId> prompt = {0, 1};
  SamplingState state = LogitsProcessor::MakeState(params, prompt);
  processor_.Accept(2, params, state);
  processor_.Accept(2, params, state);
  EXPECT_THAT(Process({4.0f, -4.0f, 3.0f, 3.0f}, params, state),
              ElementsAre(FloatEq(2.0f), FloatEq(-8.0f), FloatEq(1.5f), FloatEq(3.0f)));
}

TEST_F(LogitsProcessorTest, PresenceAndFrequencyAreAboutTheOutputAlone) {
  const SamplingParams params = {.presence_penalty = 0.5f, .frequency_penalty = 0.25f};
  const std::vector<TokenId> prompt = {0, 1};
  SamplingState state = LogitsProcessor::MakeState(params, prompt);
  for (const TokenId id : {1, 2, 2, 2}) processor_.Accept(id, params, state);
  EXPECT_THAT(Process({1.0f, 1.0f, 1.0f, 1.0f}, params, state),
              ElementsAre(FloatEq(1.0f), FloatEq(0.25f), FloatEq(-0.25f), FloatEq(1.0f)));
}

TEST_F(LogitsProcessorTest, NegativePenaltiesEncourage) {
  const SamplingParams params = {.presence_penalty = -2.0f, .frequency_penalty = -2.0f};
  SamplingState state = LogitsProcessor::MakeState(params, {});
  processor_.Accept(0, params, state);
  EXPECT_THAT(Process({1.0f, 1.0f}, params, state), ElementsAre(FloatEq(5.0f), FloatEq(1.0f)));
}

TEST_F(LogitsProcessorTest, BiasIsAddedAfterThePenalties) {
  SamplingParams params = {.repetition_penalty = 2.0f};
  params.logit_bias = {{.id = 0, .bias = 100.0f}, {.id = 1, .bias = -1.0f}};
  const std::vector<TokenId> prompt = {0};
  const SamplingState state = LogitsProcessor::MakeState(params, prompt);
  EXPECT_THAT(Process({4.0f, 3.0f}, params, state), ElementsAre(FloatEq(102.0f), FloatEq(2.0f)));
}

TEST_F(LogitsProcessorTest, EndTokensWaitForMinTokens) {
  SamplingState state;
  state.end_tokens = {0, 2};
  state.min_tokens = 1;
  EXPECT_THAT(Process({9.0f, 1.0f, 9.0f}, {}, state),
              ElementsAre(kMaskedLogit, FloatEq(1.0f), kMaskedLogit));
  processor_.Accept(1, {}, state);
  EXPECT_THAT(Process({9.0f, 1.0f, 9.0f}, {}, state),
              ElementsAre(FloatEq(9.0f), FloatEq(1.0f), FloatEq(9.0f)));
}

TEST_F(LogitsProcessorTest, StateIsAFunctionOfTheTokens) {
  const SamplingParams params = {.repetition_penalty = 1.3f, .frequency_penalty = 0.2f};
  const std::vector<TokenId> prompt = {3, 1};
  SamplingState one = LogitsProcessor::MakeState(params, prompt);
  SamplingState other = LogitsProcessor::MakeState(params, prompt);
  LogitsProcessor second;
  const std::vector<float> logits = {0.5f, 1.5f, -2.5f, 3.5f};
  for (const TokenId id : {0, 2, 2, 3}) {
    processor_.Accept(id, params, one);
    Process(logits, params, one);  // asking changes nothing
    second.Accept(id, params, other);
  }
  const auto processed = second.Process(logits, params, other);
  ASSERT_THAT(processed, IsOk());
  EXPECT_THAT(Process(logits, params, one), ::testing::ElementsAreArray(*processed));
}

TEST_F(LogitsProcessorTest, DamagedLogitsAreFoundBeforeTheyAreMasked) {
  SamplingState state;
  state.end_tokens = {0};
  state.min_tokens = 1;
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> logits = {bad, 1.0f};
    EXPECT_THAT(processor_.Process(logits, {}, state), HasCode(StatusCode::kDataLoss));
  }
}

// Byte tokens 0 to 255; 10, a line feed, is the end-of-sequence token.
class ConstrainedLogitsTest : public LogitsProcessorTest {
 protected:
  SamplingState StateOf(const StatusOr<ByteConstraints::Compiled>& constraint) {
    EXPECT_THAT(constraint, IsOk());
    SamplingState state;
    state.matcher.emplace(*constraint, false);
    state.end_tokens = {'\n'};
    return state;
  }
  std::string Allowed(const SamplingState& state, const SamplingParams& params = {}) {
    std::string allowed;
    const std::vector<float> processed = Process(logits_, params, state);
    for (std::size_t i = 0; i < processed.size(); ++i) {
      if (processed[i] != kMaskedLogit) allowed += static_cast<char>(i);
    }
    return allowed;
  }

  ByteConstraints constraints_;
  const std::vector<float> logits_ = std::vector<float>(256, 1.0f);
};

TEST_F(ConstrainedLogitsTest, EndTokensAreAllowedExactlyWhereTheOutputMayEnd) {
  SamplingState state = StateOf(constraints_.Regex("ab*"));
  EXPECT_EQ(Allowed(state), "a");
  EXPECT_FALSE(processor_.Accept('a', {}, state));
  EXPECT_EQ(Allowed(state), "\nb");
  state.min_tokens = 2;
  EXPECT_EQ(Allowed(state), "b");
  EXPECT_FALSE(processor_.Accept('b', {}, state));
  EXPECT_EQ(Allowed(state), "\nb");
  EXPECT_FALSE(processor_.Accept('\n', {}, state));
}

TEST_F(ConstrainedLogitsTest, NothingFollowsACompleteOutput) {
  SamplingState state = StateOf(constraints_.Choice({"no", "note"}));
  EXPECT_FALSE(processor_.Accept('n', {}, state));
  EXPECT_FALSE(processor_.Accept('o', {}, state));
  EXPECT_EQ(Allowed(state), "\nt");
  EXPECT_FALSE(processor_.Accept('t', {}, state));
  EXPECT_TRUE(processor_.Accept('e', {}, state));
}

TEST_F(ConstrainedLogitsTest, PenaltiesAndBiasDoNotUnmask) {
  SamplingParams params = {.repetition_penalty = 0.1f, .frequency_penalty = -2.0f};
  params.logit_bias = {{.id = 'x', .bias = 100.0f}, {.id = 'b', .bias = -100.0f}};
  SamplingState state = StateOf(constraints_.Regex("ab"));
  state.counts.AddPrompt(std::vector<TokenId>{'x', 'y', 'a'});
  EXPECT_EQ(Allowed(state, params), "a");
  processor_.Accept('a', params, state);
  EXPECT_EQ(Allowed(state, params), "b");
}

TEST_F(ConstrainedLogitsTest, OutputThatCannotBeginIsAnError) {
  // Only a two-byte character may follow, for which this vocabulary has no tokens.
  const quire::testing::ListedTokenizer tokenizer({"a", "\n"});
  ConstraintCompiler compiler(tokenizer, 2, {1});
  SamplingState state = StateOf(compiler.Compile(RegexConstraint{"(\xC3\xA9)?"}));
  state.end_tokens = {1};
  EXPECT_THAT(processor_.Process(std::vector<float>{1.0f, 1.0f}, {}, state), IsOk());
  state.min_tokens = 1;
  EXPECT_THAT(processor_.Process(std::vector<float>{1.0f, 1.0f}, {}, state),
              HasCode(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace quire::engine
