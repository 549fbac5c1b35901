#include "engine/tokenizer/word_piece_model.h"

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
  std::vector<std::pair<std::string_view, std::int32_t>> first;
  std::vector<std::pair<std::string_view, std::int32_t>> continuing;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.Text(id);
    const auto index = static_cast<std::size_t>(id);
    const bool special = index < options.is_special.size() && options.is_special[index];
    if (text.empty() || (special && CountUtf8Characters(text) > 1)) continue;
    first.emplace_back(text, id);
    if (text.starts_with(prefix)) continuing.emplace_back(text.substr(prefix.size()), id);
  }
  model->first_ = PieceTrie(std::move(first));
  model->continuing_ = PieceTrie(std::move(continuing));
  return model;
}

void WordPieceModel::Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const {
  const std::size_t first = tokens.size();
  const bool fits = piece.size() <= max_chars_ || CountUtf8Characters(piece) <= max_chars_;
  if (fits && Cover(piece, tokens)) return;
  tokens.resize(first);
  tokens.push_back({unknown_id_, 0, static_cast<std::uint32_t>(piece.size())});
}

bool WordPieceModel::Cover(std::string_view word, std::vector<SubwordToken>& tokens) const {
  for (std::size_t begin = 0; begin < word.size();) {
    const PieceTrie& pieces = begin == 0 ? first_ : continuing_;
    std::size_t end = begin;
    TokenId longest = unknown_id_;
    pieces.ForEachAt(word, begin, [&](TokenId id, std::size_t length_bytes) {
      const std::size_t next = begin + length_bytes;
      if (next < word.size() && IsUtf8Continuation(word[next])) return;
      end = next;
      longest = id;
    });
    if (end == begin) return false;
    tokens.push_back({longest, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    begin = end;
  }
  return true;
}

}  // namespace quire::engine
