#pragma once

#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/scheduler/scheduler.h"

// Sequences for a scheduler, and steps without a model.

namespace quire::testing {

// Tokens of a block in the tests of the scheduler.
inline constexpr std::int32_t kBlockSize = 4;

inline std::unique_ptr<engine::Sequence> NewSequence(std::vector<engine::TokenId> prompt,
                                                     std::int32_t max_new_tokens) {
  engine::Request request;
  request.prompt = std::move(prompt);
  request.max_new_tokens = max_new_tokens;
  return std::make_unique<engine::Sequence>(engine::MakeSequence(std::move(request), 0));
}

// A prompt of one token again and again, so that all prompts have common prefixes.
inline std::unique_ptr<engine::Sequence> NewSequence(std::int32_t prompt_tokens,
                                                     std::int32_t max_new_tokens) {
  return NewSequence(std::vector<engine::TokenId>(static_cast<std::size_t>(prompt_tokens), 7),
                     max_new_tokens);
}

// Tokens 0, 1, 2, ..., so that no two blocks of a prompt are alike.
inline std::unique_ptr<engine::Sequence> NewCountingSequence(std::int32_t prompt_tokens,
                                                             std::int32_t max_new_tokens) {
  std::vector<engine::TokenId> prompt(static_cast<std::size_t>(prompt_tokens));
  std::iota(prompt.begin(), prompt.end(), 0);
  return NewSequence(std::move(prompt), max_new_tokens);
}

// Plays the model: each sequence whose tokens are all computed gets `next`.
inline void RunStep(engine::Scheduler& scheduler, engine::TokenId next = 9) {
  std::vector<engine::Sequence*> complete;
  for (const engine::BatchEntry& entry : scheduler.Schedule().entries) {
    if (entry.completes()) complete.push_back(entry.sequence);
  }
  scheduler.Commit();
  for (engine::Sequence* sequence : complete) sequence->tokens.push_back(next);
}

}  // namespace quire::testing
