#include "engine/sampling/logits_processor.h"

#include <algorithm>

#include "base/check.h"
#include "engine/sampling/logits.h"
#include "kernels/token_sampler.h"

namespace quire::engine {

bool LogitsProcessor::HasPenalties(const SamplingParams& params) {
  return params.repetition_penalty != 1.0f || params.presence_penalty != 0.0f ||
         params.frequency_penalty != 0.0f;
}

bool LogitsProcessor::WaitsForMinTokens(const SamplingState& state) {
  return state.num_output_tokens < state.min_tokens && !state.end_tokens.empty();
}

bool LogitsProcessor::Changes(const SamplingParams& params, const SamplingState& state) {
  return HasMask(state) || HasPenalties(params) || !params.logit_bias.empty();
}

bool LogitsProcessor::HasMask(const SamplingState& state) {
  return state.matcher || WaitsForMinTokens(state);
}

SamplingState LogitsProcessor::MakeState(const SamplingParams& params,
                                         std::span<const TokenId> prompt) {
  SamplingState state;
  if (params.repetition_penalty != 1.0f) state.counts.AddPrompt(prompt);
  return state;
}

std::size_t LogitsProcessor::MaxChanges(const SamplingParams& params, const SamplingState& state) {
  const std::size_t num_penalties = HasPenalties(params) ? state.counts.entries().size() : 0;
  return num_penalties + params.logit_bias.size();
}

void LogitsProcessor::AppendChanges(const SamplingParams& params, const SamplingState& state,
                                    std::int32_t row, std::vector<kernels::LogitChange>& changes) {
  const std::size_t first = changes.size();
  const bool has_penalties = HasPenalties(params);
  if (has_penalties) {
    for (const auto& [id, num_in_output] : state.counts.entries()) {
      kernels::LogitChange change = {.row = row, .token = id, .penalty = params.repetition_penalty};
      if (num_in_output > 0) {
        change.subtrahend =
            params.presence_penalty + params.frequency_penalty * static_cast<float>(num_in_output);
      }
      changes.push_back(change);
    }
  }
  for (const auto& [id, bias] : params.logit_bias) {
    const std::optional<std::size_t> penalized =
        has_penalties ? state.counts.Find(id) : std::nullopt;
    if (penalized) {
      changes[first + *penalized].subtrahend -= bias;
    } else {
      changes.push_back({.row = row, .token = id, .subtrahend = -bias});
    }
  }
}

Status LogitsProcessor::FillMask(const SamplingState& state, std::span<std::uint32_t> mask) {
  const bool waits = WaitsForMinTokens(state);
  bool has_tokens = true;
  if (state.matcher) {
    const TokenMask& allowed = masks_.Get(*state.matcher);
    has_tokens = allowed.num_allowed() > 0;
    allowed.CopyTo(mask);
  } else {
    std::ranges::fill(mask, ~std::uint32_t{0});
  }
  const bool may_end = !waits && state.matcher->IsAccepting();
  for (const TokenId id : state.end_tokens) {
    std::uint32_t& word = mask[static_cast<std::size_t>(id) / 32];
    const std::uint32_t bit = std::uint32_t{1} << id % 32;
    word = may_end ? word | bit : word & ~bit;
  }
  if (has_tokens || (may_end && !state.end_tokens.empty())) return OkStatus();
  return InvalidArgument(
      "constraint: wanted one that a token of this vocabulary continues, have only the empty "
      "output, which min_tokens or ignore_eos rule out");
}

StatusOr<std::span<const float>> LogitsProcessor::Process(std::span<const float> logits,
                                                          const SamplingParams& params,
                                                          const SamplingState& state) {
  if (!Changes(params, state)) return logits;
  QUIRE_RETURN_IF_ERROR(CheckFinite(logits));
  changed_.assign(logits.begin(), logits.end());
  changes_.clear();
  AppendChanges(params, state, /*row=*/0, changes_);
  for (const kernels::LogitChange& change : changes_) {
    float& logit = changed_[static_cast<std::size_t>(change.token)];
    logit = change.Of(logit);
  }
  if (HasMask(state)) {
    mask_.resize(
        static_cast<std::size_t>(kernels::MaskWords(static_cast<std::int64_t>(logits.size()))));
    QUIRE_RETURN_IF_ERROR(FillMask(state, mask_));
    kernels::MaskLogits(changed_, mask_.data());
  }
  return std::span<const float>(changed_);
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
