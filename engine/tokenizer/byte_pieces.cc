#include "engine/tokenizer/byte_pieces.h"

namespace quire::engine {
namespace {

constexpr TokenId kNone = -1;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

BytePieces::BytePieces(const Vocabulary& vocabulary) {
  for (std::size_t byte = 0; byte < ids_.size(); ++byte) {
    ids_[byte] = vocabulary.Find(fmt::format("<0x{:02X}>", byte)).value_or(kNone);
  }
}

bool BytePieces::Append(std::string_view text, std::uint32_t begin, std::uint32_t end,
                        std::vector<SubwordToken>& tokens) const {
  const std::size_t first = tokens.size();
  for (std::uint32_t i = begin; i < end; ++i) {
    const TokenId id = ids_[static_cast<unsigned char>(text[i])];
    if (id == kNone) {
      tokens.resize(first);
      return false;
    }
    tokens.push_back({id, i, i + 1});
  }
  return true;
}

std::optional<unsigned char> ByteOfPiece(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const int high = HexDigit(text[3]);
  const int low = HexDigit(text[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<unsigned char>(high * 16 + low);
}

}  // namespace quire::engine
