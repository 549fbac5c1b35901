#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/sampling/constraints/constraint_compiler.h"
#include "engine/sampling/philox.h"
#include "engine/scheduler/request.h"
#include "tests/bench/value_or_die.h"
#include "tests/support/listed_tokenizer.h"

namespace quire::engine {

// Answers that quote their prompt, from a model with random weights: a constraint leaves each token
// no choice. What is computed is what a model that quotes computes.
class ForcedQuotes {
 public:
  static constexpr int kPromptTokens = 400;
  static constexpr int kQuotes = 3;
  static constexpr int kQuoteTokens = 40;
  static constexpr int kOwnTokens = 4;  // before each quote
  static constexpr int kAnswerTokens = kQuotes * (kOwnTokens + kQuoteTokens);

  struct Answer {
    Request request;
    std::shared_ptr<const Constraint> constraint;
  };

  // `vocab_size`: the model's, at least 256.
  explicit ForcedQuotes(std::int32_t vocab_size)
      : tokenizer_(testing::ByteTokens()), compiler_(tokenizer_, vocab_size, {}) {}

  // A prompt of tokens as frequent as words are (Zipf's law) and the answer to it. Another one for
  // every seed.
  Answer Make(std::uint64_t seed) {
    std::uint64_t draw = 0;
    const auto uniform = [&] { return UniformAt(seed, draw++); };
    Answer answer;
    std::vector<TokenId>& prompt = answer.request.prompt;
    for (int i = 0; i < kPromptTokens; ++i) {
      prompt.push_back(static_cast<TokenId>(std::pow(kWords, uniform())));
    }
    std::string text;
    for (int quote = 0; quote < kQuotes; ++quote) {
      for (int i = 0; i < kOwnTokens; ++i) text += static_cast<char>(1 + uniform() * (kWords - 1));
      const auto begin = static_cast<std::size_t>(uniform() * (kPromptTokens - kQuoteTokens));
      for (std::size_t i = begin; i < begin + kQuoteTokens; ++i)
        text += static_cast<char>(prompt[i]);
    }
    answer.request.max_new_tokens = kAnswerTokens;
    answer.constraint = kernels::ValueOrDie(compiler_.Compile(ChoiceConstraint{{text}}));
    return answer;
  }

 private:
  // A token is one ASCII character, so that a text is one sequence of tokens only.
  static constexpr int kWords = 128;

  testing::ListedTokenizer tokenizer_;
  ConstraintCompiler compiler_;
};

}  // namespace quire::engine
