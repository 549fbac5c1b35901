#include "engine/request_tokens.h"

#include <algorithm>
#include <utility>

namespace quire::engine {
namespace {

bool IsText(TokenId id, const Tokenizer& tokenizer) {
  return id < tokenizer.vocab_size() && !tokenizer.IsSpecial(id);
}

}  // namespace

std::vector<TokenId> EndTokens(const Request& request, std::span<const TokenId> eos_token_ids) {
  std::vector<TokenId> ids = request.stop_token_ids;
  if (!request.ignore_eos) ids.insert(ids.end(), eos_token_ids.begin(), eos_token_ids.end());
  return ids;
}

bool ContinuesText(const Request& request, const Tokenizer& tokenizer) {
  return std::any_of(request.prompt.begin(), request.prompt.end(),
                     [&](TokenId id) { return IsText(id, tokenizer); });
}

Status ValidateConstrainedStop(const Request& request, const Tokenizer& tokenizer) {
  if (std::holds_alternative<std::monostate>(request.constraint)) return OkStatus();
  for (std::size_t i = 0; i < request.stop_token_ids.size(); ++i) {
    const TokenId id = request.stop_token_ids[i];
    if (!IsText(id, tokenizer)) continue;
    return InvalidArgument(
        "stop_token_ids[{}]: wanted a special token where the output is constrained, have text", i);
  }
  return OkStatus();
}

SamplingState MakeSamplingState(const Request& request, std::span<const TokenId> eos_token_ids,
                                const Tokenizer& tokenizer,
                                std::shared_ptr<const Constraint> constraint) {
  SamplingState state = LogitsProcessor::MakeState(request.sampling, request.prompt);
  state.end_tokens = EndTokens(request, eos_token_ids);
  state.min_tokens = request.min_tokens;
  if (constraint != nullptr) {
    const bool strips_space =
        tokenizer.strips_leading_space() && !ContinuesText(request, tokenizer);
    state.matcher.emplace(std::move(constraint), strips_space);
  }
  return state;
}

}  // namespace quire::engine
