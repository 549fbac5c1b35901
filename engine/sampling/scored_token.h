#pragma once

#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

struct TokenLogprob {
  TokenId id = 0;
  float logprob = 0.0f;  // natural logarithm
};

// A token of prompt or output with the alternatives at its position, most likely first.
struct ScoredToken {
  TokenLogprob token;
  std::vector<TokenLogprob> top;
};

}  // namespace quire::engine
