#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/sampling/constraints/constraint.h"

namespace quire::engine {

// A set of tokens of one vocabulary.
class TokenMask {
 public:
  // `words`: [ceil(vocab_size / 64)], bit i % 64 of word i / 64 for token i.
  TokenMask(std::vector<std::uint64_t> words, std::int32_t vocab_size);

  std::int32_t num_allowed() const { return num_allowed_; }
  bool Allows(TokenId id) const;
  // As devices take it: [kernels::MaskWords(vocab_size)].
  void CopyTo(std::span<std::uint32_t> mask) const;

  std::size_t num_bytes() const;

 private:
  std::int32_t num_allowed_ = 0;
  std::vector<std::uint64_t> words_;  // or, if there are few tokens,
  std::vector<TokenId> ids_;          // their ids, ascending
};

// The tokens that may come next, and for which stacks the same ones may.
struct ConstraintStep {
  TokenMask mask;
  // It depends on these states on top of the stack, in its order; on whether there are more if
  // `saw_bottom`; and on the depth of the stack being in [min_depth, max_depth].
  std::vector<constraints::StateId> stack_top = {};
  bool saw_bottom = false;
  int min_depth = 0;
  int max_depth = 0;

  // True if it holds over `stack`.
  bool Covers(std::span<const constraints::StateId> stack) const;
};

// Walks the vocabulary from where `matcher` stands: every token of it that the constraint allows,
// and after which the output can be completed. End-of-sequence tokens are not of the vocabulary.
ConstraintStep AllowedTokens(const ConstraintMatcher& matcher);

}  // namespace quire::engine
