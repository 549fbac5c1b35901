#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {

// The merges of a BPE model: for two neighbours, by id, the token that they become and its rank.
// The lowest rank is merged first, the leftmost where ranks are equal.
//
// Neighbours may be symbols that are no tokens: characters that only occur inside of pieces. They
// have ids from the vocabulary's size upward.
class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank = kNoRank;
    TokenId id = 0;
  };
  // The two symbols that were merged into a piece, the first of `left_bytes`.
  struct Halves {
    TokenId left = 0;
    TokenId right = 0;
    std::uint32_t left_bytes = 0;
  };
  static constexpr std::uint32_t kNoRank = UINT32_MAX;

  MergeTable() = default;

  // A list of pairs in the order of their ranks. `prefix` marks tokens that continue a word; it is
  // dropped where two are joined. No merge makes a token that `is_special`. INVALID_ARGUMENT
  // starting with `place` if a merge refers to a piece that the vocabulary lacks.
  static StatusOr<MergeTable> FromPairs(
      const Vocabulary& vocabulary, const std::vector<std::pair<std::string, std::string>>& pairs,
      std::string_view prefix, const std::function<bool(TokenId)>& is_special,
      std::string_view place);

  // Any two neighbours merge that make a `usable` piece, the one of the highest score first, as in
  // SentencePiece. Of a merge into an `unused` piece, Split tells how to undo it. Both by id, as
  // `scores`. INVALID_ARGUMENT starting with `place` if a score is no finite number or a piece is
  // longer than 4096 bytes.
  static StatusOr<MergeTable> FromScores(const Vocabulary& vocabulary,
                                         const std::vector<float>& scores,
                                         const std::vector<bool>& usable,
                                         const std::vector<bool>& unused, std::string_view place);

  // No merge has rank kNoRank.
  Merge Find(TokenId left, TokenId right) const {
    const std::uint64_t key = Key(left, right);
    const std::uint64_t hash = Hash(key);
    if (!MayHold(hash)) return Merge{};
    for (std::size_t i = hash >> shift_;; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return slots_[i].merge;
      if (slots_[i].key == kFree) return Merge{};
    }
  }
  // Calls `visit(left, right, merge)` for every merge.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.key == kFree) continue;
      visit(static_cast<TokenId>(slot.key >> 32), static_cast<TokenId>(slot.key & UINT32_MAX),
            slot.merge);
    }
  }
  // One more than the highest rank.
  std::uint32_t num_ranks() const { return num_ranks_; }
  // The id of a character that is no token but takes part in merges.
  std::optional<TokenId> FindSymbol(std::string_view character) const;
  bool has_symbols() const { return !symbols_.empty(); }
  // The characters that are no tokens, with their ids.
  const absl::flat_hash_map<std::string, TokenId>& symbols() const { return symbols_; }
  // What an unused piece was merged from; nothing for other tokens.
  std::optional<Halves> Split(TokenId id) const;
  bool has_splits() const { return !splits_.empty(); }
  // False if no merge reaches over the beginning of a run of "▁", so that words may be taken one
  // by one.
  bool crosses_metaspace() const { return crosses_metaspace_; }

 private:
  class ScoreReader;

  struct Slot {
    std::uint64_t key = kFree;
    Merge merge;
  };
  using Merges = absl::flat_hash_map<std::uint64_t, Merge>;

  static constexpr std::uint64_t kFree = ~std::uint64_t{0};  // ids are not negative

  static std::uint64_t Key(TokenId left, TokenId right) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
           static_cast<std::uint32_t>(right);
  }
  // Multiplication spreads both ids over the upper bits.
  static std::uint64_t Hash(std::uint64_t key) { return key * 0x9E3779B97F4A7C15; }
  // False for most pairs that do not merge, without a look at their slots.
  bool MayHold(std::uint64_t hash) const {
    const std::uint64_t bit = hash >> filter_shift_;
    return (filter_[bit / 64] >> (bit % 64) & 1) != 0;
  }
  void Note(std::string_view left, std::string_view right);
  // Fills slots_: half of them stay free, so that a search looks at one or two.
  void Build(const Merges& merges);

  std::vector<Slot> slots_ = std::vector<Slot>(2);  // open addressing, by both ids
  std::size_t mask_ = 1;
  int shift_ = 63;
  // A bit for every hash that occurs, of 16 a merge: most neighbours do not merge, and this fits
  // the caches of a core where the slots do not.
  std::vector<std::uint64_t> filter_ = std::vector<std::uint64_t>(1);
  int filter_shift_ = 58;
  std::uint32_t num_ranks_ = 0;
  absl::flat_hash_map<std::string, TokenId> symbols_;
  absl::flat_hash_map<TokenId, Halves> splits_;
  bool crosses_metaspace_ = false;
};

}  // namespace quire::engine
