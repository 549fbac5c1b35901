#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "base/status.h"
#include "engine/sampling/scored_token.h"
#include "engine/tokenizer/tokenizer.h"

// Questions about one row of logits, [vocab_size] f32.

namespace quire::engine {

// The logit of a token that must not be sampled. Finite, so that a row with some is told from one
// that damaged weights gave; its probability is 0 in f64 at every temperature.
inline constexpr float kMaskedLogit = std::numeric_limits<float>::lowest();

// Returns DATA_LOSS if a logit is not finite: the weights are damaged.
Status CheckFinite(std::span<const float> logits);

// The token with the largest logit, the lowest id among equals. Fails as CheckFinite does.
StatusOr<TokenId> ArgMax(std::span<const float> logits);

// Log-probability of `id` under the softmax of the row, in f64, and the `num_top` most likely
// tokens, most likely first. Requires: id is in range; CheckFinite succeeds.
ScoredToken Score(std::span<const float> logits, TokenId id, std::int32_t num_top);

}  // namespace quire::engine
