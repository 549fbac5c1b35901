#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// A token and the bytes of a piece that it stands for.
struct SubwordToken {
  TokenId id = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// The heart of a tokenizer: cuts one piece of text into tokens of the vocabulary.
//
// Thread-safe: immutable, but for caches.
class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  // Appends the tokens of `piece`, in order. Requires: `piece` is not empty.
  virtual void Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const = 0;
};

}  // namespace quire::engine
