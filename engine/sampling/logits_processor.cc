#include "engine/sampling/logits_processor.h"

#include <algorithm>

#include "base/check.h"
#include "engine/sampling/logits.h"

namespace quire::engine {

bool LogitsProcessor::HasPenalties(const SamplingParams& params) {
  return params.repetition_penalty != 1.0f || params.presence_penalty != 0.0f ||
         params.frequency_penalty != 0.0f;
}

bool LogitsProcessor::WaitsForMinTokens(const SamplingState& state) {
  return state.num_output_tokens < state.min_tokens && !state.end_tokens.empty();
}

bool LogitsProcessor::Changes(const SamplingParams& params, const SamplingState& state) {
  return state.matcher || WaitsForMinTokens(state) || HasPenalties(params) ||
         !params.logit_bias.empty();
}

SamplingState LogitsProcessor::MakeState(const SamplingParams& params,
                                         std::span<const TokenId> prompt) {
  SamplingState state;
  if (params.repetition_penalty != 1.0f) state.counts.AddPrompt(prompt);
  return state;
}

StatusOr<std::span<const float>> LogitsProcessor::Process(std::span<const float> logits,
                                                          const SamplingParams& params,
                                                          const SamplingState& state) {
  if (!Changes(params, state)) return logits;
  QUIRE_RETURN_IF_ERROR(CheckFinite(logits));
  if (!Mask(logits, WaitsForMinTokens(state), state)) {
    return InvalidArgument(
        "constraint: wanted one that a token of this vocabulary continues, have only the empty "
        "output, which min_tokens or ignore_eos rule out");
  }
  Penalize(params, state.counts);
  for (const auto& [id, bias] : params.logit_bias) {
    float& logit = changed_[static_cast<std::size_t>(id)];
    if (logit != kMaskedLogit) logit += bias;
  }
  return std::span<const float>(changed_);
}

bool LogitsProcessor::Mask(std::span<const float> logits, bool waits, const SamplingState& state) {
  changed_.resize(logits.size());
  bool has_tokens = true;
  if (state.matcher) {
    const TokenMask& mask = masks_.Get(*state.matcher);
    has_tokens = mask.num_allowed() > 0;
    mask.Apply(logits, changed_);
  } else {
    std::copy(logits.begin(), logits.end(), changed_.begin());
  }
  const bool may_end = !waits && (!state.matcher || state.matcher->IsAccepting());
  for (const TokenId id : state.end_tokens) {
    const auto i = static_cast<std::size_t>(id);
    changed_[i] = may_end ? logits[i] : kMaskedLogit;
  }
  return has_tokens || (may_end && !state.end_tokens.empty());
}

void LogitsProcessor::Penalize(const SamplingParams& params, const TokenCounts& counts) {
  if (!HasPenalties(params)) return;
  for (const auto& [id, num_in_output] : counts.entries()) {
    float& logit = changed_[static_cast<std::size_t>(id)];
    if (logit == kMaskedLogit) continue;
    logit = logit > 0.0f ? logit / params.repetition_penalty : logit * params.repetition_penalty;
    if (num_in_output == 0) continue;
    logit -= params.presence_penalty;
    logit -= params.frequency_penalty * static_cast<float>(num_in_output);
  }
}

bool LogitsProcessor::Accept(TokenId id, const SamplingParams& params, SamplingState& state) {
  ++state.num_output_tokens;
  if (HasPenalties(params)) state.counts.AddOutput(id);
  if (!state.matcher || std::ranges::find(state.end_tokens, id) != state.end_tokens.end()) {
    return false;
  }
  QUIRE_CHECK(state.matcher->Accept(id));
  return state.matcher->IsAccepting() && masks_.Get(*state.matcher).num_allowed() == 0;
}

}  // namespace quire::engine
