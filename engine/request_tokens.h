#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/sampling/constraints/constraint.h"
#include "engine/sampling/logits_processor.h"
#include "engine/scheduler/request.h"
#include "engine/tokenizer/tokenizer.h"

// What the tokens of a request mean to its output.

namespace quire::engine {

// Tokens that end the output: those of the request, and the model's unless it ignores them.
std::vector<TokenId> EndTokens(const Request& request, std::span<const TokenId> eos_token_ids);

// True if the output goes on from a text: its first word then keeps its leading space. BOS and the
// like are no text.
bool ContinuesText(const Request& request, const Tokenizer& tokenizer);

// Returns INVALID_ARGUMENT naming the field if a stop token is text and the output is constrained:
// the token could not be part of the output, and so not complete it. Requires: ids are in range.
Status ValidateConstrainedStop(const Request& request, const Tokenizer& tokenizer);

// The state of sampling before the first token. `constraint` is that of the request, compiled, or
// null.
SamplingState MakeSamplingState(const Request& request, std::span<const TokenId> eos_token_ids,
                                const Tokenizer& tokenizer,
                                std::shared_ptr<const Constraint> constraint);

}  // namespace quire::engine
