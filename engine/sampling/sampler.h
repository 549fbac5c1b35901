#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "engine/sampling/sampling_params.h"
#include "engine/tokenizer/tokenizer.h"
#include "kernels/sample.h"
#include "kernels/token_sampler.h"

namespace quire::engine {

// What a device is to do with a row of logits, apart from typical_p. `uniform` in [0, 1).
kernels::SampleRow SampleRowOf(const SamplingParams& params, double uniform);

// What a device answered. Returns DATA_LOSS if a logit of the row was not finite.
StatusOr<TokenId> SampledToken(std::int32_t sample);

// Chooses the next token from one row of logits in memory of the host.
//
// Thread-compatible: keeps scratch memory between calls.
class Sampler {
 public:
  // `logits`: [vocab_size] f32; tokens with kMaskedLogit are left out. `uniform` in [0, 1). Steps:
  // temperature, top-k, top-p (over what top-k left), min-p, typical-p (over what these left),
  // draw; see SamplingParams. Returns DATA_LOSS if a logit is not finite. Requires:
  // Validate(params) is OK and some token is not masked.
  StatusOr<TokenId> Sample(std::span<const float> logits, const SamplingParams& params,
                           double uniform);

 private:
  kernels::TokenSampler sampler_;
};

}  // namespace quire::engine
