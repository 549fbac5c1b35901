#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/tokenizer/merge_table.h"
#include "engine/tokenizer/subword_model.h"

namespace quire::engine {

// The merges of a run of symbols, in O(n log n). The pair to merge next, the lowest rank and the
// leftmost of equal ones, wins a tournament: the least of every 8 pairs, the least of every 8 of
// those, and so on. A merge changes two or three pairs, mostly of one group.
//
// Keeps its memory for the next run. Thread-compatible.
class SymbolRun {
 public:
  // `merges` must outlive the object.
  explicit SymbolRun(const MergeTable& merges) : merges_(merges) {}

  // Merges `symbols` in place until no pair is left. Returns how many there are then.
  std::size_t Merge(std::span<SubwordToken> symbols);

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kGroup = 8;  // one cache line
  // Later than every pair.
  static constexpr std::uint64_t kNoPair = UINT64_MAX;

  // Of a symbol: its neighbours, and what it and the next one become.
  struct Node {
    std::uint32_t previous;
    std::uint32_t next;
    TokenId merged;
  };

  // Looks up the pairs of all symbols and plays the first tournament.
  void Prepare();
  // Joins symbol `i` with the next one.
  void Join(std::uint32_t i);
  // Looks up the pair of symbol `i` and the next one. Returns its place in the order of merges.
  std::uint64_t FindPair(std::uint32_t i);
  // Sets what a group of the level below has for its least.
  void PlayGroup(std::size_t level, std::size_t group);
  // Plays the matches again that the pairs of three symbols take part in. All of them: that costs
  // less than guessing wrong which ones matter.
  void Replay(std::size_t first, std::size_t second, std::size_t third);

  const MergeTable& merges_;
  std::span<SubwordToken> symbols_;  // of the run at hand
  std::vector<Node> nodes_;
  // levels_[0]: by symbol, rank of its pair (upper half) and the symbol (lower half). levels_[i+1]:
  // by group of levels_[i], its least. Sizes are multiples of kGroup but for the last, which is 1.
  std::vector<std::vector<std::uint64_t>> levels_;
  std::size_t num_levels_ = 0;
};

}  // namespace quire::engine
