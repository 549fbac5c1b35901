#include "engine/tokenizer/bpe_model.h"

#include <algorithm>

#include "base/utf8.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/metaspace.h"
#include "engine/tokenizer/run_windows.h"

namespace quire::engine {
namespace {

constexpr TokenId kNoToken = -1;
// Up to this many symbols, searching all neighbours for the best is quicker than a tournament.
constexpr std::size_t kMaxWordSymbols = 48;
// Characters whose tokens are in a table, the basic multilingual plane: nearly all text is in it.
constexpr std::size_t kNumTabledCharacters = 0x10000;

// The place of a token of one symbol in the table; nothing for other tokens.
std::optional<std::size_t> TabledSymbol(std::string_view text, bool byte_level) {
  if (byte_level) {
    if (text.size() != 1) return std::nullopt;
    return static_cast<unsigned char>(text.front());
  }
  const DecodedChar c = DecodeUtf8(text, 0);
  if (!c.valid || static_cast<std::size_t>(c.length_bytes) != text.size() ||
      c.code_point >= kNumTabledCharacters) {
    return std::nullopt;
  }
  return c.code_point;
}

}  // namespace

StatusOr<std::unique_ptr<BpeModel>> BpeModel::Create(
    const Vocabulary& vocabulary, const std::vector<std::pair<std::string, std::string>>& merges,
    const Options& options, std::string_view place) {
  std::unique_ptr<BpeModel> model(new BpeModel(vocabulary, options));
  QUIRE_RETURN_IF_ERROR(model->AddPieces(vocabulary, /*usable=*/nullptr, place));
  QUIRE_ASSIGN_OR_RETURN(
      MergeTable table,
      MergeTable::FromPairs(
          vocabulary, merges, options.continuing_subword_prefix,
          [&](TokenId id) { return model->IsSpecial(id); }, fmt::format("{}.merges", place)));
  model->SetMerges(vocabulary, std::move(table));
  return model;
}

StatusOr<std::unique_ptr<BpeModel>> BpeModel::CreateScored(const Vocabulary& vocabulary,
                                                           const ScoredPieces& pieces,
                                                           const Options& options,
                                                           std::string_view place) {
  std::unique_ptr<BpeModel> model(new BpeModel(vocabulary, options));
  QUIRE_RETURN_IF_ERROR(model->AddPieces(vocabulary, &pieces.usable, place));
  QUIRE_ASSIGN_OR_RETURN(
      MergeTable table,
      MergeTable::FromScores(vocabulary, pieces.scores, pieces.usable, pieces.unused, place));
  model->SetMerges(vocabulary, std::move(table));
  return model;
}

void BpeModel::SetMerges(const Vocabulary& vocabulary, MergeTable merges) {
  merges_ = std::move(merges);
  SetBoundaries(vocabulary);
  splits_at_metaspace_ = !merges_.crosses_metaspace() && !options_.byte_level &&
                         !options_.ignore_merges && options_.continuing_subword_prefix.empty() &&
                         options_.end_of_word_suffix.empty() && pieces_.contains(kMetaspace);
}

void BpeModel::SetBoundaries(const Vocabulary& vocabulary) {
  if (!is_plain_) return;
  std::vector<std::string_view> symbols(merges_.symbols().size());
  for (const auto& [text, id] : merges_.symbols()) {
    symbols[static_cast<std::size_t>(id - vocab_size_)] = text;
  }
  const auto text_of = [&](TokenId id) {
    if (id >= vocab_size_) return symbols[static_cast<std::size_t>(id - vocab_size_)];
    return options_.byte_level ? byte_texts_[id] : vocabulary.Text(id);
  };
  BoundaryRanks boundaries;
  bool is_known = true;
  merges_.ForEach([&](TokenId left, TokenId right, const Merge& merge) {
    const std::string_view left_text = text_of(left);
    const std::string_view right_text = text_of(right);
    // These stand for text that is not theirs.
    is_known &= unknown_id_ != left && unknown_id_ != right;
    is_known &= !byte_pieces_ || (!ByteOfPiece(left_text) && !ByteOfPiece(right_text));
    // No text leads to a token without one.
    if (!left_text.empty() && !right_text.empty())
      boundaries.Add(left_text, right_text, merge.rank);
  });
  if (is_known) boundaries_ = std::move(boundaries);
}

bool BpeModel::IsSpecial(TokenId id) const {
  const auto index = static_cast<std::size_t>(id);
  return index < options_.is_special.size() && options_.is_special[index];
}

Status BpeModel::AddPieces(const Vocabulary& vocabulary, const std::vector<bool>* usable,
                           std::string_view place) {
  if (!options_.unknown_token.empty()) {
    unknown_id_ = vocabulary.Find(options_.unknown_token);
    if (!unknown_id_) {
      return InvalidArgument("{}.unk_token: wanted a token of the vocabulary, have \"{}\"", place,
                             options_.unknown_token);
    }
  }
  std::vector<std::string> byte_texts(options_.byte_level ? vocabulary.size() : 0);
  std::vector<TokenId> ids;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.Text(id);
    if (text.empty() || (IsSpecial(id) && !IsOneCharacter(text))) continue;
    if (usable != nullptr && !(*usable)[static_cast<std::size_t>(id)]) continue;
    if (options_.byte_level) {
      // A token with other characters is no spelling of bytes: no text leads to it.
      std::optional<std::string> bytes = BytesFromAlphabet(text);
      if (!bytes) continue;
      byte_texts[static_cast<std::size_t>(id)] = *std::move(bytes);
    }
    ids.push_back(id);
  }
  byte_texts_ = TokenTexts(byte_texts);
  pieces_.reserve(ids.size());
  for (const TokenId id : ids) {
    const std::string_view text = options_.byte_level ? byte_texts_[id] : vocabulary.Text(id);
    pieces_.emplace(text, id);
    max_piece_bytes_ = std::max(max_piece_bytes_, text.size());
  }
  symbols_.resize(options_.byte_level ? 256 : kNumTabledCharacters, kNoToken);
  for (const auto& [text, id] : pieces_) {
    const std::optional<std::size_t> symbol = TabledSymbol(text, options_.byte_level);
    if (symbol) symbols_[*symbol] = id;
  }
  is_plain_ = options_.continuing_subword_prefix.empty() && options_.end_of_word_suffix.empty();
  if (options_.byte_fallback) byte_pieces_.emplace(vocabulary);
  return OkStatus();
}

std::optional<TokenId> BpeModel::FindPiece(std::string_view piece) const {
  if (piece.size() > max_piece_bytes_) return std::nullopt;
  const auto found = pieces_.find(piece);
  if (found == pieces_.end()) return std::nullopt;
  return found->second;
}

void BpeModel::Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const {
  if (!splits_at_metaspace_) return TokenizeWord(piece, tokens);
  std::size_t begin = 0;
  while (begin < piece.size()) {
    // The next "▁" behind another character.
    std::size_t end = begin;
    while (piece.substr(end).starts_with(kMetaspace)) end += kMetaspace.size();
    end = std::min(piece.find(kMetaspace, end), piece.size());
    const std::size_t first = tokens.size();
    TokenizeWord(piece.substr(begin, end - begin), tokens);
    for (std::size_t i = first; i < tokens.size(); ++i) {
      tokens[i].begin += static_cast<std::uint32_t>(begin);
      tokens[i].end += static_cast<std::uint32_t>(begin);
    }
    begin = end;
  }
}

void BpeModel::TokenizeWord(std::string_view word, std::vector<SubwordToken>& tokens) const {
  // Quicker than the cache. Two bytes may be a token that no merge leads to.
  const std::size_t max_bytes = options_.ignore_merges ? 1 : 2;
  if (options_.byte_level && is_plain_ && word.size() <= max_bytes && !merges_.has_symbols() &&
      !merges_.has_splits()) {
    return AppendMerged(word, tokens);
  }
  const PieceCache::Piece piece(word);
  if (cache_.Find(piece, tokens)) return;
  const std::size_t first = tokens.size();
  const std::optional<TokenId> whole =
      options_.ignore_merges ? FindPiece(word) : std::optional<TokenId>();
  if (whole) {
    tokens.push_back({*whole, 0, static_cast<std::uint32_t>(word.size())});
  } else {
    AppendMerged(word, tokens);
    if (merges_.has_symbols() || merges_.has_splits()) ReplaceSymbols(word, first, tokens);
  }
  cache_.Put(piece, tokens, first);
}

void BpeModel::AppendMerged(std::string_view word, std::vector<SubwordToken>& tokens) const {
  SymbolRun run(merges_);
  if (word.size() <= 2 * RunWindows::kBytes)
    return AppendStretch(word, 0, word.size(), run, tokens);
  RunWindows(word, /*by_character=*/!options_.byte_level,
             [&](std::size_t begin, std::size_t end, std::vector<SubwordToken>& stretch) {
               AppendStretch(word, begin, end, run, stretch);
             })
      .AppendTo(tokens);
}

void BpeModel::AppendStretch(std::string_view word, std::size_t begin, std::size_t end,
                             SymbolRun& run, std::vector<SubwordToken>& tokens) const {
  const std::size_t first = tokens.size();
  AppendSymbols(word, begin, end, tokens);
  if (boundaries_) return MergeByBoundaries(word, run, tokens, first);
  tokens.resize(first + MergeAll(std::span(tokens).subspan(first), run));
}

void BpeModel::MergeByBoundaries(std::string_view word, SymbolRun& run,
                                 std::vector<SubwordToken>& symbols, std::size_t first) const {
  // A character that was dropped may be between the two.
  const auto bound = [&](const SubwordToken& left, const SubwordToken& right) {
    return boundaries_->Over(word[left.end - 1], word[right.begin]);
  };
  const std::span<SubwordToken> all(symbols);
  std::size_t stretch = first;  // where the stretch at hand begins
  std::size_t top = first;      // behind the last symbol of it
  std::uint32_t before = BoundaryRanks::kNever;
  for (std::size_t i = first; i < all.size(); ++i) {
    SubwordToken symbol = all[i];
    const std::uint32_t behind =
        i + 1 < all.size() ? bound(symbol, all[i + 1]) : BoundaryRanks::kNever;
    std::uint32_t inside = before;
    while (top > stretch && inside < behind) {
      const SubwordToken& left = all[top - 1];
      const std::uint32_t ahead =
          top - 1 > stretch ? bound(all[top - 2], left) : BoundaryRanks::kNever;
      if (inside >= ahead) break;
      const Merge merge = merges_.Find(left.id, symbol.id);
      if (merge.rank >= std::min(ahead, behind)) break;
      symbol = {merge.id, left.begin, symbol.end};
      inside = ahead;
      --top;
    }
    all[top++] = symbol;
    before = behind;
    if (behind != BoundaryRanks::kNever) continue;
    if (top - stretch > 1) top = stretch + MergeAll(all.subspan(stretch, top - stretch), run);
    stretch = top;
  }
  symbols.resize(stretch);
}

std::size_t BpeModel::MergeAll(std::span<SubwordToken> symbols, SymbolRun& run) const {
  return symbols.size() <= kMaxWordSymbols ? MergeWord(symbols) : run.Merge(symbols);
}

void BpeModel::AppendSymbols(std::string_view word, std::size_t stretch_begin,
                             std::size_t stretch_end, std::vector<SubwordToken>& symbols) const {
  const std::size_t first = symbols.size();
  for (std::size_t begin = stretch_begin, end = 0; begin < stretch_end; begin = end) {
    char32_t symbol = static_cast<unsigned char>(word[begin]);
    end = begin + 1;
    if (!options_.byte_level) {
      const DecodedChar c = DecodeUtf8(word, begin);
      symbol = c.code_point;
      end = begin + static_cast<std::size_t>(c.length_bytes);
    }
    const auto from = static_cast<std::uint32_t>(begin);
    const auto to = static_cast<std::uint32_t>(end);
    if (is_plain_ && symbol < symbols_.size() && symbols_[symbol] != kNoToken) {
      symbols.push_back({symbols_[symbol], from, to});
      continue;
    }
    const std::optional<TokenId> id =
        FindSymbol(word.substr(begin, end - begin), symbol, begin == 0, end == word.size());
    if (id) {
      symbols.push_back({*id, from, to});
    } else {
      AppendUnknown(word, from, to, first, symbols);
    }
  }
}

std::optional<TokenId> BpeModel::FindSymbol(std::string_view symbol, char32_t code_point,
                                            bool starts_word, bool ends_word) const {
  starts_word |= options_.continuing_subword_prefix.empty();
  ends_word &= !options_.end_of_word_suffix.empty();
  if (!starts_word || ends_word) {
    return FindPiece(fmt::format("{}{}{}", starts_word ? "" : options_.continuing_subword_prefix,
                                 symbol, ends_word ? options_.end_of_word_suffix : ""));
  }
  if (code_point < symbols_.size()) {
    const TokenId id = symbols_[code_point];
    if (id != kNoToken) return id;
  } else if (const std::optional<TokenId> id = FindPiece(symbol)) {
    return id;
  }
  return merges_.has_symbols() ? merges_.FindSymbol(symbol) : std::nullopt;
}

void BpeModel::AppendUnknown(std::string_view text, std::uint32_t begin, std::uint32_t end,
                             std::size_t first, std::vector<SubwordToken>& symbols) const {
  if (byte_pieces_ && byte_pieces_->Append(text, begin, end, symbols)) return;
  if (!unknown_id_) return;
  if (options_.fuse_unknown && symbols.size() > first && symbols.back().id == *unknown_id_ &&
      symbols.back().end == begin) {
    symbols.back().end = end;
    return;
  }
  symbols.push_back({*unknown_id_, begin, end});
}

void BpeModel::ReplaceSymbols(std::string_view word, std::size_t first,
                              std::vector<SubwordToken>& symbols) const {
  const std::vector<SubwordToken> merged(symbols.begin() + static_cast<std::ptrdiff_t>(first),
                                         symbols.end());
  symbols.resize(first);
  for (const SubwordToken& symbol : merged) AppendReplaced(word, symbol, first, symbols);
}

void BpeModel::AppendReplaced(std::string_view word, SubwordToken symbol, std::size_t first,
                              std::vector<SubwordToken>& symbols) const {
  if (symbol.id >= vocab_size_ || (unknown_id_ && symbol.id == *unknown_id_)) {
    return AppendUnknown(word, symbol.begin, symbol.end, first, symbols);
  }
  const std::optional<MergeTable::Halves> halves = merges_.Split(symbol.id);
  if (!halves) return symbols.push_back(symbol);
  const std::uint32_t middle = symbol.begin + halves->left_bytes;
  AppendReplaced(word, {halves->left, symbol.begin, middle}, first, symbols);
  AppendReplaced(word, {halves->right, middle, symbol.end}, first, symbols);
}

std::size_t BpeModel::MergeWord(std::span<SubwordToken> word) const {
  // By symbol: its merge with the next one. Not initialized, since most words are short.
  std::array<std::uint32_t, kMaxWordSymbols> ranks;
  std::array<TokenId, kMaxWordSymbols> merged;
  std::size_t count = word.size();
  const auto find = [&](std::size_t i) {
    const Merge merge = i + 1 < count ? merges_.Find(word[i].id, word[i + 1].id) : Merge{};
    ranks[i] = merge.rank;
    merged[i] = merge.id;
  };
  for (std::size_t i = 0; i < count; ++i) find(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (ranks[i] < ranks[best]) best = i;
    }
    if (ranks[best] == MergeTable::kNoRank) break;
    word[best].id = merged[best];
    word[best].end = word[best + 1].end;
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      word[i] = word[i + 1];
      ranks[i] = ranks[i + 1];
      merged[i] = merged[i + 1];
    }
    find(best);
    if (best > 0) find(best - 1);
  }
  return count;
}

}  // namespace quire::engine
