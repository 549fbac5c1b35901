#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/tokenizer/subword_model.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {

// The tokens "<0x00>" to "<0xFF>" of a vocabulary, which stand for single bytes: what text falls
// back to that is made of no other token.
class BytePieces {
 public:
  explicit BytePieces(const Vocabulary& vocabulary);

  // Appends a token for each byte of text[begin, end); none and false if a byte has no token.
  bool Append(std::string_view text, std::uint32_t begin, std::uint32_t end,
              std::vector<SubwordToken>& tokens) const;

 private:
  std::array<TokenId, 256> ids_;  // by byte; -1: none
};

// The byte that a token of this text stands for; nothing if it is no byte token.
std::optional<unsigned char> ByteOfPiece(std::string_view text);

}  // namespace quire::engine
