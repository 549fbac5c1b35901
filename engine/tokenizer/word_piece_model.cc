#include "engine/tokenizer/word_piece_model.h"

#include <algorithm>

#include "base/utf8.h"

namespace quire::engine {

StatusOr<std::unique_ptr<WordPieceModel>> WordPieceModel::Create(const Vocabulary& vocabulary,
                                                                 const Options& options,
                                                                 std::string_view place) {
  std::unique_ptr<WordPieceModel> model(new WordPieceModel());
  const std::optional<TokenId> unknown = vocabulary.Find(options.unknown_token);
  if (!unknown) {
    return InvalidArgument("{}.unk_token: wanted a token of the vocabulary, have \"{}\"", place,
                           options.unknown_token);
  }
  if (options.max_input_chars_per_word < 0) {
    return InvalidArgument("{}.max_input_chars_per_word: wanted at least 0, have {}", place,
                           options.max_input_chars_per_word);
  }
  model->unknown_id_ = *unknown;
  model->max_chars_ = static_cast<std::size_t>(options.max_input_chars_per_word);
  const std::string_view prefix = options.continuing_subword_prefix;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.Text(id);
    const auto index = static_cast<std::size_t>(id);
    const bool special = index < options.is_special.size() && options.is_special[index];
    if (text.empty() || (special && CountUtf8Characters(text) > 1)) continue;
    model->first_.emplace(text, id);
    model->max_piece_bytes_ = std::max(model->max_piece_bytes_, text.size());
    if (text.starts_with(prefix)) model->continuing_.emplace(text.substr(prefix.size()), id);
  }
  return model;
}

void WordPieceModel::Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const {
  const std::size_t first = tokens.size();
  if (CountUtf8Characters(piece) <= max_chars_ && Cover(piece, tokens)) return;
  tokens.resize(first);
  tokens.push_back({unknown_id_, 0, static_cast<std::uint32_t>(piece.size())});
}

bool WordPieceModel::Cover(std::string_view word, std::vector<SubwordToken>& tokens) const {
  for (std::size_t begin = 0; begin < word.size();) {
    const Pieces& pieces = begin == 0 ? first_ : continuing_;
    std::size_t end = std::min(word.size(), begin + max_piece_bytes_);
    for (; end > begin; --end) {
      if (end < word.size() && IsUtf8Continuation(word[end])) continue;
      const auto found = pieces.find(word.substr(begin, end - begin));
      if (found == pieces.end()) continue;
      tokens.push_back(
          {found->second, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
      break;
    }
    if (end == begin) return false;
    begin = end;
  }
  return true;
}

}  // namespace quire::engine
