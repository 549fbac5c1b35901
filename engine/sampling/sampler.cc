#include "engine/sampling/sampler.h"

#include "engine/sampling/logits.h"

namespace quire::engine {

kernels::SampleRow SampleRowOf(const SamplingParams& params, double uniform) {
  return {.temperature = params.temperature,
          .top_k = params.top_k,
          .top_p = params.top_p,
          .min_p = params.min_p,
          .uniform = uniform};
}

StatusOr<TokenId> SampledToken(std::int32_t sample) {
  if (sample == kernels::kNoSample) return NotFiniteError();
  return sample;
}

StatusOr<TokenId> Sampler::Sample(std::span<const float> logits, const SamplingParams& params,
                                  double uniform) {
  return SampledToken(sampler_.Choose(logits, SampleRowOf(params, uniform), params.typical_p));
}

}  // namespace quire::engine
