#include "engine/sampling/sampling_params.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace quire::engine {
namespace {

// Comparisons that NaN fails.
bool IsWithin(float value, float min, float max) { return value >= min && value <= max; }

Status ValidateWithin(const char* field, float value, float min, float max) {
  if (IsWithin(value, min, max)) return OkStatus();
  return InvalidArgument("{}: wanted a number in [{}, {}], have {}", field, min, max, value);
}

Status ValidateMass(const char* field, float value) {
  if (value > 0.0f && value <= 1.0f) return OkStatus();
  return InvalidArgument("{}: wanted a number in (0, 1], have {}", field, value);
}

Status ValidateBiases(std::span<const LogitBias> biases, std::int32_t vocab_size) {
  if (biases.size() > kMaxLogitBiases) {
    return InvalidArgument("logit_bias: wanted at most {}, have {}", kMaxLogitBiases,
                           biases.size());
  }
  std::vector<TokenId> ids;
  for (const auto& [id, bias] : biases) {
    if (id < 0 || id >= vocab_size) {
      return InvalidArgument("logit_bias[{}]: wanted a token id in [0, {})", id, vocab_size);
    }
    if (!IsWithin(bias, -kMaxLogitBias, kMaxLogitBias)) {
      return InvalidArgument("logit_bias[{}]: wanted a number in [{}, {}], have {}", id,
                             -kMaxLogitBias, kMaxLogitBias, bias);
    }
    ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice == ids.end()) return OkStatus();
  return InvalidArgument("logit_bias[{}]: wanted each token once, have it twice", *twice);
}

}  // namespace

Status Validate(const SamplingParams& params, std::int32_t vocab_size) {
  if (!(params.temperature >= 0.0f) || !std::isfinite(params.temperature)) {
    return InvalidArgument("temperature: wanted a finite number that is not negative, have {}",
                           params.temperature);
  }
  if (params.top_k < 0) {
    return InvalidArgument("top_k: wanted 0 or more, have {}", params.top_k);
  }
  QUIRE_RETURN_IF_ERROR(ValidateMass("top_p", params.top_p));
  QUIRE_RETURN_IF_ERROR(ValidateWithin("min_p", params.min_p, 0.0f, 1.0f));
  QUIRE_RETURN_IF_ERROR(ValidateMass("typical_p", params.typical_p));
  QUIRE_RETURN_IF_ERROR(ValidateWithin("repetition_penalty", params.repetition_penalty,
                                       kMinRepetitionPenalty, kMaxRepetitionPenalty));
  QUIRE_RETURN_IF_ERROR(ValidateWithin("presence_penalty", params.presence_penalty,
                                       -kMaxCountPenalty, kMaxCountPenalty));
  QUIRE_RETURN_IF_ERROR(ValidateWithin("frequency_penalty", params.frequency_penalty,
                                       -kMaxCountPenalty, kMaxCountPenalty));
  return ValidateBiases(params.logit_bias, vocab_size);
}

}  // namespace quire::engine
