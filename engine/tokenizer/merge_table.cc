#include "engine/tokenizer/merge_table.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/utf8.h"
#include "engine/tokenizer/metaspace.h"
#include "engine/tokenizer/subword_model.h"

namespace quire::engine {
namespace {

constexpr std::size_t kMaxPieceBytes = 4096;
// Unused pieces of more characters take no part in merges: finding out how they came about would
// cost the square of their length.
constexpr std::size_t kMaxUnusedCharacters = 256;

// Rank by id: the same for equal scores.
std::vector<std::uint32_t> Ranks(const std::vector<float>& scores) {
  std::vector<float> distinct = scores;
  std::sort(distinct.begin(), distinct.end(), std::greater<>());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<std::uint32_t> ranks;
  ranks.reserve(scores.size());
  for (const float score : scores) {
    const auto found = std::lower_bound(distinct.begin(), distinct.end(), score, std::greater<>());
    ranks.push_back(static_cast<std::uint32_t>(found - distinct.begin()));
  }
  return ranks;
}

}  // namespace

void MergeTable::Note(std::string_view left, std::string_view right) {
  crosses_metaspace_ |= right.starts_with(kMetaspace) && !left.ends_with(kMetaspace);
}

void MergeTable::Build(const Merges& merges) {
  const std::size_t size = std::bit_ceil(2 * merges.size() + 2);
  slots_.assign(size, Slot{});
  mask_ = size - 1;
  shift_ = 64 - std::countr_zero(size);
  filter_.assign(std::max<std::size_t>(size / 8, 1), 0);
  filter_shift_ = 64 - std::countr_zero(filter_.size() * 64);
  for (const auto& [key, merge] : merges) {
    const std::uint64_t hash = Hash(key);
    const std::uint64_t bit = hash >> filter_shift_;
    filter_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    std::size_t i = hash >> shift_;
    while (slots_[i].key != kFree) i = (i + 1) & mask_;
    slots_[i] = {key, merge};
    num_ranks_ = std::max(num_ranks_, merge.rank + 1);
  }
}

StatusOr<MergeTable> MergeTable::FromPairs(
    const Vocabulary& vocabulary, const std::vector<std::pair<std::string, std::string>>& pairs,
    std::string_view prefix, const std::function<bool(TokenId)>& is_special,
    std::string_view place) {
  MergeTable table;
  Merges merges;
  merges.reserve(pairs.size());
  std::string merged;
  for (std::size_t rank = 0; rank < pairs.size(); ++rank) {
    const auto& [left, right] = pairs[rank];
    std::string_view tail = right;
    if (tail.starts_with(prefix)) tail.remove_prefix(prefix.size());
    merged.assign(left).append(tail);
    const std::optional<TokenId> left_id = vocabulary.Find(left);
    const std::optional<TokenId> right_id = vocabulary.Find(right);
    const std::optional<TokenId> merged_id = vocabulary.Find(merged);
    if (!left_id || !right_id || !merged_id) {
      return InvalidArgument("{}[{}]: wanted pieces of the vocabulary, have \"{}\" \"{}\"", place,
                             rank, left, right);
    }
    if (is_special(*merged_id)) continue;
    table.Note(left, right);
    merges[Key(*left_id, *right_id)] = {static_cast<std::uint32_t>(rank), *merged_id};
  }
  table.Build(merges);
  return table;
}

// Makes the merges of scored pieces.
class MergeTable::ScoreReader {
 public:
  ScoreReader(const Vocabulary& vocabulary, const std::vector<float>& scores,
              const std::vector<bool>& usable)
      : vocabulary_(vocabulary), usable_(usable), ranks_(Ranks(scores)) {}

  // Every way to make the piece of two symbols.
  void AddPiece(TokenId id) {
    const std::string_view text = vocabulary_.Text(id);
    const Merge merge{ranks_[static_cast<std::size_t>(id)], id};
    for (std::size_t cut = NextOffset(text, 0); cut < text.size(); cut = NextOffset(text, cut)) {
      const std::string_view left = text.substr(0, cut);
      const std::string_view right = text.substr(cut);
      const std::optional<TokenId> left_id = SymbolOf(left);
      const std::optional<TokenId> right_id = SymbolOf(right);
      if (!left_id || !right_id) continue;
      table_.Note(left, right);
      merges_[Key(*left_id, *right_id)] = merge;
    }
  }
  // After all pieces.
  void Build() { table_.Build(merges_); }

  // Merges the characters of an unused piece, to learn which merge is the last. Inside of a piece
  // merges are the same wherever it stands.
  void AddSplit(TokenId id) {
    const std::string_view text = vocabulary_.Text(id);
    std::vector<SubwordToken> symbols;
    for (std::size_t at = 0, end = 0; at < text.size(); at = end) {
      end = NextOffset(text, at);
      const std::optional<TokenId> symbol = SymbolOf(text.substr(at, end - at));
      symbols.push_back({*symbol, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)});
    }
    while (symbols.size() >= 2) {
      Merge best;
      std::size_t place = 0;
      for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
        const Merge merge = table_.Find(symbols[i].id, symbols[i + 1].id);
        if (merge.rank >= best.rank) continue;
        best = merge;
        place = i;
      }
      if (best.rank == kNoRank) return;
      SubwordToken& left = symbols[place];
      const SubwordToken right = symbols[place + 1];
      if (best.id == id) table_.splits_[id] = {left.id, right.id, left.end - left.begin};
      left = {best.id, left.begin, right.end};
      symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    }
  }

  MergeTable Take() { return std::move(table_); }

 private:
  static std::size_t NextOffset(std::string_view text, std::size_t at) {
    return at + static_cast<std::size_t>(DecodeUtf8(text, at).length_bytes);
  }

  // The id of a symbol that merges can meet: a usable piece, or any character.
  std::optional<TokenId> SymbolOf(std::string_view text) {
    const std::optional<TokenId> id = vocabulary_.Find(text);
    if (id && usable_[static_cast<std::size_t>(*id)]) return id;
    if (!IsOneCharacter(text)) return std::nullopt;
    const auto next = static_cast<TokenId>(vocabulary_.size() +
                                           static_cast<std::int64_t>(table_.symbols_.size()));
    return table_.symbols_.emplace(std::string(text), next).first->second;
  }

  const Vocabulary& vocabulary_;
  const std::vector<bool>& usable_;
  const std::vector<std::uint32_t> ranks_;
  MergeTable table_;
  Merges merges_;
};

StatusOr<MergeTable> MergeTable::FromScores(const Vocabulary& vocabulary,
                                            const std::vector<float>& scores,
                                            const std::vector<bool>& usable,
                                            const std::vector<bool>& unused,
                                            std::string_view place) {
  std::vector<bool> takes_part = usable;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const auto index = static_cast<std::size_t>(id);
    if (!std::isfinite(scores[index])) {
      return InvalidArgument("{}[{}]: wanted a finite score, have {}", place, id, scores[index]);
    }
    const std::string_view text = vocabulary.Text(id);
    if (text.size() > kMaxPieceBytes) {
      return InvalidArgument("{}[{}]: wanted a piece of at most {} bytes, have {}", place, id,
                             kMaxPieceBytes, text.size());
    }
    if (unused[index] && CountUtf8Characters(text) > kMaxUnusedCharacters)
      takes_part[index] = false;
  }
  ScoreReader reader(vocabulary, scores, takes_part);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (takes_part[static_cast<std::size_t>(id)]) reader.AddPiece(id);
  }
  reader.Build();
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const auto index = static_cast<std::size_t>(id);
    if (takes_part[index] && unused[index]) reader.AddSplit(id);
  }
  return reader.Take();
}

std::optional<TokenId> MergeTable::FindSymbol(std::string_view character) const {
  const auto found = symbols_.find(std::string(character));
  if (found == symbols_.end()) return std::nullopt;
  return found->second;
}

std::optional<MergeTable::Halves> MergeTable::Split(TokenId id) const {
  const auto found = splits_.find(id);
  if (found == splits_.end()) return std::nullopt;
  return found->second;
}

}  // namespace quire::engine
