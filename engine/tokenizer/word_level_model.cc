#include "engine/tokenizer/word_level_model.h"

#include "base/utf8.h"

namespace quire::engine {

void WordLevelModel::Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const {
  std::optional<TokenId> id = vocabulary_.Find(piece);
  const auto index = static_cast<std::size_t>(id.value_or(0));
  const bool is_special = index < options_.is_special.size() && options_.is_special[index];
  if (id && is_special && !IsOneCharacter(piece)) id = std::nullopt;
  if (!id) id = unknown_id_;
  if (id) tokens.push_back({*id, 0, static_cast<std::uint32_t>(piece.size())});
}

}  // namespace quire::engine
