#include "engine/sampling/sampling_params.h"

#include <cmath>

namespace quire::engine {

Status Validate(const SamplingParams& params) {
  // Negated comparisons, so that NaN fails them.
  if (!(params.temperature >= 0.0f) || !std::isfinite(params.temperature)) {
    return InvalidArgument("temperature: wanted a finite number that is not negative, have {}",
                           params.temperature);
  }
  if (params.top_k < 0) {
    return InvalidArgument("top_k: wanted 0 or more, have {}", params.top_k);
  }
  if (!(params.top_p > 0.0f && params.top_p <= 1.0f)) {
    return InvalidArgument("top_p: wanted a number in (0, 1], have {}", params.top_p);
  }
  if (!(params.min_p >= 0.0f && params.min_p <= 1.0f)) {
    return InvalidArgument("min_p: wanted a number in [0, 1], have {}", params.min_p);
  }
  return OkStatus();
}

}  // namespace quire::engine
