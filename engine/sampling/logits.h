#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "engine/sampling/scored_token.h"
#include "engine/tokenizer/tokenizer.h"
#include "kernels/sample.h"

// Questions about one row of logits, [vocab_size] f32.

namespace quire::engine {

using kernels::kMaskedLogit;

// DATA_LOSS: a logit is not finite, so the weights are damaged.
Status NotFiniteError();
// Returns NotFiniteError if a logit is not finite.
Status CheckFinite(std::span<const float> logits);

// Log-probability of `id` under the softmax of the row, in f64, and the `num_top` most likely
// tokens, most likely first. Requires: id is in range; CheckFinite succeeds.
ScoredToken Score(std::span<const float> logits, TokenId id, std::int32_t num_top);

}  // namespace quire::engine
