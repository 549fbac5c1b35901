#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/sampling/constraints/constraint.h"
#include "engine/sampling/constraints/mask_cache.h"
#include "engine/sampling/sampling_params.h"
#include "engine/sampling/token_counts.h"
#include "engine/tokenizer/tokenizer.h"
#include "kernels/sample.h"

namespace quire::engine {

// What the choice of a sequence's next token depends on besides logits and parameters: a function
// of the request and its tokens, so that preemption changes nothing.
struct SamplingState {
  // Tokens that end the output: they wait for min_tokens, and where the output is constrained for
  // its end.
  std::vector<TokenId> end_tokens = {};
  std::int32_t min_tokens = 0;
  TokenCounts counts = {};  // of what the penalties ask for
  std::int32_t num_output_tokens = 0;
  std::optional<ConstraintMatcher> matcher = {};
};

// Turns a row of logits into the row that is sampled from: penalties, logit bias, end tokens before
// min_tokens, constraint. Log-probabilities are of the row before.
//
// Engine thread only.
class LogitsProcessor {
 public:
  // The state before the first token. Counts `prompt` if a penalty is about it.
  static SamplingState MakeState(const SamplingParams& params, std::span<const TokenId> prompt);

  // Whether something may ask for a change of the next row.
  static bool Changes(const SamplingParams& params, const SamplingState& state);
  // How many logits penalties and bias may ask to change.
  static std::size_t MaxChanges(const SamplingParams& params, const SamplingState& state);

  // Appends what penalties and bias ask for, at most one change of a token, as of row `row`.
  static void AppendChanges(const SamplingParams& params, const SamplingState& state,
                            std::int32_t row, std::vector<kernels::LogitChange>& changes);
  // Whether some tokens must not come next.
  static bool HasMask(const SamplingState& state);
  // Writes which may come to `mask`, [MaskWords(vocab_size)]. Returns INVALID_ARGUMENT if the
  // constraint and the other parameters leave no token. Requires: HasMask.
  Status FillMask(const SamplingState& state, std::span<std::uint32_t> mask);

  // The same done to `logits`, [vocab_size] f32. Returns them as they are, nothing copied, if
  // Changes is false; else a changed row, valid until the next call, in which some token is not
  // kMaskedLogit. Returns DATA_LOSS if a logit is not finite and there is something to change;
  // INVALID_ARGUMENT as FillMask.
  StatusOr<std::span<const float>> Process(std::span<const float> logits,
                                           const SamplingParams& params,
                                           const SamplingState& state);

  // `id` is the sequence's next token. True if nothing can follow it: the constraint is complete.
  // Requires: Process allowed it.
  bool Accept(TokenId id, const SamplingParams& params, SamplingState& state);

 private:
  static bool HasPenalties(const SamplingParams& params);
  // The end tokens must not come yet.
  static bool WaitsForMinTokens(const SamplingState& state);

  MaskCache masks_;
  // Scratch of Process.
  std::vector<float> changed_;       // [vocab_size]
  std::vector<std::uint32_t> mask_;  // [MaskWords(vocab_size)]
  std::vector<kernels::LogitChange> changes_;
};

}  // namespace quire::engine
