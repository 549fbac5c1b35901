#include "engine/tokenizer/bpe_model.h"

#include <algorithm>
#include <functional>

#include "base/utf8.h"
#include "engine/tokenizer/byte_alphabet.h"

namespace quire::engine {
namespace {

constexpr std::string_view kMetaspace = "▁";
constexpr TokenId kNoToken = -1;
// Up to this many symbols, searching all neighbours for the best is quicker than a heap.
constexpr std::size_t kMaxWordSymbols = 48;

std::uint64_t PairKey(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
         static_cast<std::uint32_t>(right);
}

std::string BytePieceName(int byte) { return fmt::format("<0x{:02X}>", byte); }

}  // namespace

StatusOr<std::unique_ptr<BpeModel>> BpeModel::Create(
    const Vocabulary& vocabulary, const std::vector<std::pair<std::string, std::string>>& merges,
    const Options& options, std::string_view place) {
  std::unique_ptr<BpeModel> model(new BpeModel(options));
  QUIRE_RETURN_IF_ERROR(model->AddPieces(vocabulary, place));
  QUIRE_RETURN_IF_ERROR(model->AddMerges(vocabulary, merges, place));
  return model;
}

bool BpeModel::IsSpecial(TokenId id) const {
  const auto index = static_cast<std::size_t>(id);
  return index < options_.is_special.size() && options_.is_special[index];
}

Status BpeModel::AddPieces(const Vocabulary& vocabulary, std::string_view place) {
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
    pieces_.emplace(options_.byte_level ? byte_texts_[id] : vocabulary.Text(id), id);
  }
  FindBytePieces(vocabulary);
  return OkStatus();
}

void BpeModel::FindBytePieces(const Vocabulary& vocabulary) {
  has_byte_ids_ = options_.byte_level || options_.byte_fallback;
  for (int byte = 0; byte < 256; ++byte) {
    const std::optional<TokenId> id = options_.byte_level
                                          ? FindPiece(std::string(1, static_cast<char>(byte)))
                                          : vocabulary.Find(BytePieceName(byte));
    byte_ids_[static_cast<std::size_t>(byte)] = id.value_or(kNoToken);
  }
}

Status BpeModel::AddMerges(const Vocabulary& vocabulary,
                           const std::vector<std::pair<std::string, std::string>>& merges,
                           std::string_view place) {
  const std::string& prefix = options_.continuing_subword_prefix;
  bool crosses_metaspace = false;
  merges_.reserve(merges.size());
  std::string merged;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const std::string_view tail =
        right.starts_with(prefix) ? std::string_view(right).substr(prefix.size()) : right;
    merged.assign(left).append(tail);
    const std::optional<TokenId> left_id = vocabulary.Find(left);
    const std::optional<TokenId> right_id = vocabulary.Find(right);
    const std::optional<TokenId> merged_id = vocabulary.Find(merged);
    if (!left_id || !right_id || !merged_id) {
      return InvalidArgument("{}.merges[{}]: wanted pieces of the vocabulary, have \"{}\" \"{}\"",
                             place, rank, left, right);
    }
    if (IsSpecial(*merged_id)) continue;
    crosses_metaspace |= right.starts_with(kMetaspace) && !left.ends_with(kMetaspace);
    merges_[PairKey(*left_id, *right_id)] = {static_cast<std::uint32_t>(rank), *merged_id};
  }
  splits_at_metaspace_ = !crosses_metaspace && !options_.byte_level && !options_.ignore_merges &&
                         prefix.empty() && options_.end_of_word_suffix.empty() &&
                         pieces_.contains(kMetaspace);
  return OkStatus();
}

BpeModel::Merge BpeModel::FindMerge(TokenId left, TokenId right) const {
  const auto found = merges_.find(PairKey(left, right));
  return found == merges_.end() ? Merge{} : found->second;
}

std::optional<TokenId> BpeModel::FindPiece(std::string_view piece) const {
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
  if (cache_.Find(word, tokens)) return;
  const std::size_t first = tokens.size();
  const std::optional<TokenId> whole =
      options_.ignore_merges ? FindPiece(word) : std::optional<TokenId>();
  if (whole) {
    tokens.push_back({*whole, 0, static_cast<std::uint32_t>(word.size())});
  } else {
    AppendSymbols(word, tokens);
    if (tokens.size() - first <= kMaxWordSymbols) {
      MergeWord(tokens, first);
    } else {
      MergeRun(tokens, first);
    }
  }
  cache_.Put(word, tokens, first);
}

void BpeModel::AppendSymbols(std::string_view word, std::vector<SubwordToken>& symbols) const {
  const std::size_t first = symbols.size();
  for (std::size_t begin = 0, end = 0; begin < word.size(); begin = end) {
    if (options_.byte_level) {
      end = begin + 1;
      const TokenId id = byte_ids_[static_cast<unsigned char>(word[begin])];
      if (id == kNoToken) {
        AppendUnknown(begin, end, first, symbols);
      } else {
        symbols.push_back({id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
      }
    } else {
      end = begin + static_cast<std::size_t>(DecodeUtf8(word, begin).length_bytes);
      const std::size_t before = symbols.size();
      AppendSymbol(word, begin, end, symbols);
      if (symbols.size() == before) AppendUnknown(begin, end, first, symbols);
    }
  }
}

void BpeModel::AppendSymbol(std::string_view word, std::size_t begin, std::size_t end,
                            std::vector<SubwordToken>& symbols) const {
  std::string_view symbol = word.substr(begin, end - begin);
  std::string marked;
  if (!options_.continuing_subword_prefix.empty() || !options_.end_of_word_suffix.empty()) {
    if (begin > 0) marked += options_.continuing_subword_prefix;
    marked += symbol;
    if (end == word.size()) marked += options_.end_of_word_suffix;
    symbol = marked;
  }
  if (const std::optional<TokenId> id = FindPiece(symbol)) {
    symbols.push_back({*id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    return;
  }
  if (!has_byte_ids_) return;
  const auto byte_id = [&](std::size_t i) {
    return byte_ids_[static_cast<unsigned char>(word[i])];
  };
  for (std::size_t i = begin; i < end; ++i) {
    if (byte_id(i) == kNoToken) return;
  }
  for (std::size_t i = begin; i < end; ++i) {
    symbols.push_back(
        {byte_id(i), static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i + 1)});
  }
}

void BpeModel::AppendUnknown(std::size_t begin, std::size_t end, std::size_t first,
                             std::vector<SubwordToken>& symbols) const {
  if (!unknown_id_) return;
  if (options_.fuse_unknown && symbols.size() > first && symbols.back().id == *unknown_id_ &&
      symbols.back().end == begin) {
    symbols.back().end = static_cast<std::uint32_t>(end);
    return;
  }
  symbols.push_back(
      {*unknown_id_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
}

void BpeModel::MergeWord(std::vector<SubwordToken>& symbols, std::size_t first) const {
  std::array<Merge, kMaxWordSymbols> with_next;  // by symbol: its merge with the next one
  std::size_t count = symbols.size() - first;
  SubwordToken* word = symbols.data() + first;
  const auto merge_at = [&](std::size_t i) {
    return i + 1 < count ? FindMerge(word[i].id, word[i + 1].id) : Merge{};
  };
  for (std::size_t i = 0; i < count; ++i) with_next[i] = merge_at(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (with_next[i].rank < with_next[best].rank) best = i;
    }
    if (with_next[best].rank == kNoRank) break;
    word[best].id = with_next[best].id;
    word[best].end = word[best + 1].end;
    std::copy(word + best + 2, word + count, word + best + 1);
    std::copy(with_next.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              with_next.begin() + static_cast<std::ptrdiff_t>(count),
              with_next.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    --count;
    with_next[best] = merge_at(best);
    if (best > 0) with_next[best - 1] = merge_at(best - 1);
  }
  symbols.resize(first + count);
}

void BpeModel::MergeRun(std::vector<SubwordToken>& symbols, std::size_t first) const {
  struct Node {
    std::uint32_t previous;
    std::uint32_t next;  // one past the last symbol: the end
    Merge with_next;
  };
  const auto count = static_cast<std::uint32_t>(symbols.size() - first);
  SubwordToken* word = symbols.data() + first;
  std::vector<Node> nodes(count);
  // Rank above position: the lowest rank first, the leftmost on ties. Entries of merges that are
  // gone by now stay in the heap and are passed over.
  std::vector<std::uint64_t> heap;
  heap.reserve(count);
  const auto refresh = [&](std::uint32_t i) {
    Node& node = nodes[i];
    node.with_next = node.next < count ? FindMerge(word[i].id, word[node.next].id) : Merge{};
    if (node.with_next.rank == kNoRank) return false;
    heap.push_back((static_cast<std::uint64_t>(node.with_next.rank) << 32) | i);
    return true;
  };
  const auto push = [&](std::uint32_t i) {
    if (refresh(i)) std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };
  for (std::uint32_t i = 0; i < count; ++i) nodes[i] = {i == 0 ? count : i - 1, i + 1, {}};
  for (std::uint32_t i = 0; i < count; ++i) refresh(i);
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  while (!heap.empty()) {
    const std::uint64_t top = heap.front();
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    heap.pop_back();
    const auto i = static_cast<std::uint32_t>(top);
    Node& node = nodes[i];
    if (node.with_next.rank != top >> 32) continue;
    Node& joined = nodes[node.next];
    word[i].id = node.with_next.id;
    word[i].end = word[node.next].end;
    joined.with_next = {};
    node.next = joined.next;
    if (node.next < count) nodes[node.next].previous = i;
    push(i);
    if (node.previous < count) push(node.previous);
  }
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < count; i = nodes[i].next) word[kept++] = word[i];
  symbols.resize(first + kept);
}

}  // namespace quire::engine
