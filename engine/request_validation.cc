#include "engine/request_validation.h"

#include <optional>
#include <span>
#include <string>

#include "engine/option_validation.h"

namespace quire::engine {
namespace {

Status ValidateIds(const char* field, std::span<const TokenId> ids, std::int32_t vocab_size) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= vocab_size) {
      return InvalidArgument("{}[{}]: wanted a token id in [0, {}), have {}", field, i, vocab_size,
                             ids[i]);
    }
  }
  return OkStatus();
}

Status ValidateStop(const Request& request, std::int32_t vocab_size) {
  if (request.stop.size() > kMaxStopStrings) {
    return InvalidArgument("stop: wanted at most {} strings, have {}", kMaxStopStrings,
                           request.stop.size());
  }
  for (const std::string& stop : request.stop) {
    if (stop.empty() || stop.size() > kMaxStopStringBytes) {
      return InvalidArgument("stop: wanted strings of 1 to {} bytes, have one of {}",
                             kMaxStopStringBytes, stop.size());
    }
  }
  if (request.stop_token_ids.size() > kMaxStopTokens) {
    return InvalidArgument("stop_token_ids: wanted at most {}, have {}", kMaxStopTokens,
                           request.stop_token_ids.size());
  }
  if (request.min_tokens < 0 || request.min_tokens > request.max_new_tokens) {
    return InvalidArgument("min_tokens: wanted a number in [0, {}] (max_new_tokens), have {}",
                           request.max_new_tokens, request.min_tokens);
  }
  return ValidateIds("stop_token_ids", request.stop_token_ids, vocab_size);
}

Status ValidateTop(const char* field, const std::optional<std::int32_t>& num_top) {
  return num_top ? ValidateRange(field, *num_top, 0, kMaxTopLogprobs) : OkStatus();
}

Status ValidateLength(const Request& request, std::int32_t context_tokens) {
  if (request.prompt.empty()) return InvalidArgument("prompt: wanted at least one token, have 0");
  if (request.max_new_tokens < 0) {
    return InvalidArgument("max_new_tokens: wanted 0 or more, have {}", request.max_new_tokens);
  }
  if (request.max_new_tokens == 0 && !request.num_prompt_logprobs) {
    return InvalidArgument("max_new_tokens: wanted 1 or more where nothing is scored, have 0");
  }
  const std::size_t limit = static_cast<std::size_t>(context_tokens);
  if (request.prompt.size() > limit) {
    return InvalidArgument("prompt: wanted at most {} tokens (the context), have {}", limit,
                           request.prompt.size());
  }
  if (request.prompt.size() + static_cast<std::size_t>(request.max_new_tokens) > limit) {
    return InvalidArgument(
        "max_new_tokens: wanted at most {} (context of {} less a prompt of {}), have {}",
        limit - request.prompt.size(), limit, request.prompt.size(), request.max_new_tokens);
  }
  return OkStatus();
}

Status ValidateName(const char* field, const std::string& name) {
  if (name.size() <= kMaxNameBytes) return OkStatus();
  return InvalidArgument("{}: wanted at most {} bytes, have {}", field, kMaxNameBytes, name.size());
}

Status ValidateScheduling(const Request& request) {
  QUIRE_RETURN_IF_ERROR(ValidateRange("num_outputs", request.num_outputs, 1, kMaxOutputs));
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("max_draft_tokens", request.max_draft_tokens, 0, kMaxDraftTokens));
  QUIRE_RETURN_IF_ERROR(ValidateName("client", request.scheduling.client));
  QUIRE_RETURN_IF_ERROR(ValidateName("group", request.scheduling.group));
  return ValidateName("cache_salt", request.scheduling.cache_salt);
}

}  // namespace

Status Validate(const Request& request, std::int32_t vocab_size, std::int32_t context_tokens) {
  QUIRE_RETURN_IF_ERROR(ValidateLength(request, context_tokens));
  QUIRE_RETURN_IF_ERROR(ValidateIds("prompt", request.prompt, vocab_size));
  QUIRE_RETURN_IF_ERROR(Validate(request.sampling, vocab_size));
  QUIRE_RETURN_IF_ERROR(ValidateScheduling(request));
  QUIRE_RETURN_IF_ERROR(ValidateStop(request, vocab_size));
  QUIRE_RETURN_IF_ERROR(ValidateTop("num_logprobs", request.num_logprobs));
  return ValidateTop("num_prompt_logprobs", request.num_prompt_logprobs);
}

}  // namespace quire::engine
