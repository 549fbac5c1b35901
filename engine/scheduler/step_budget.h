#pragma once

#include <cstdint>

namespace quire::engine {

// What is left of the step being built: rows of the batch, and work. The work of a token grows with
// its position, because it attends to all before it: 1 + position / attention_crossover. So a step
// deep inside a long prompt takes about as long as one at its beginning, and a short prompt never
// waits long for its turn.
class StepBudget {
 public:
  // `attention_crossover`: the position at which attention costs as much as all else of a token; 0:
  // positions cost nothing.
  StepBudget(std::int32_t max_tokens, std::int32_t attention_crossover)
      : tokens_(max_tokens), work_(max_tokens), crossover_(attention_crossover) {}

  // How many of `wanted` tokens from `position` on fit when `reserved` work is kept back.
  std::int32_t Fit(std::int32_t position, std::int32_t wanted, std::int32_t reserved) const;
  // Takes `count` tokens from `position` on. Work may go below zero; tokens may not.
  void Take(std::int32_t position, std::int32_t count);

  std::int32_t tokens() const { return tokens_; }

 private:
  double WorkOf(double position, double count) const;

  std::int32_t tokens_;
  double work_;
  std::int32_t crossover_;
};

}  // namespace quire::engine
