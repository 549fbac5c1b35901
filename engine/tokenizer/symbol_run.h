#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/tokenizer/merge_table.h"
#include "engine/tokenizer/subword_model.h"

namespace quire::engine {

// The merges of one long run of symbols, in nearly linear time: pairs wait in a list for each rank,
// and what is searched for is the lowest rank, not the lowest pair. Long runs use few ranks often.
//
// Thread-compatible.
class SymbolRun {
 public:
  static constexpr TokenId kGone = -1;

  // Both must outlive the object.
  SymbolRun(const MergeTable& merges, std::span<SubwordToken> symbols);

  // Merges until no pair is left, the lowest rank first, the leftmost pair of equal ranks. A token
  // takes the place of its first symbol; the others get the id kGone.
  void Merge();

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Node {
    std::uint32_t previous;
    std::uint32_t next;
    MergeTable::Merge with_next;
  };
  // A pair that waits, by its first symbol, and the one behind it in the list.
  struct Waiting {
    std::uint32_t symbol;
    std::uint32_t next;
  };

  // The pairs of one rank: those that waited, in order, and a heap of those that came up since.
  struct Work {
    std::uint32_t rank = 0;
    std::vector<std::uint32_t> pairs;
    std::size_t next = 0;  // of `pairs`
    std::vector<std::uint32_t> late;

    bool empty() const { return next == pairs.size() && late.empty(); }
    // The leftmost pair.
    std::uint32_t Take();
  };

  // Looks up the merge of symbol `i` with the next one. Returns its rank.
  std::uint32_t Refresh(std::uint32_t i);
  // Lets the pair at `i` wait until `rank`, its own, is the lowest.
  void Wait(std::uint32_t i, std::uint32_t rank);
  // Merges the pairs of `rank` until a lower rank comes up.
  void MergeRank(std::uint32_t rank);
  // Goes on with a rank that was left for a lower one, or begins with those that wait for it.
  Work BeginWork(std::uint32_t rank);
  // Joins symbol `i` with the next one.
  void Join(std::uint32_t i, Work& work);

  const MergeTable& merges_;
  const std::span<SubwordToken> symbols_;
  std::vector<Node> nodes_;
  std::vector<Waiting> waiting_;
  std::vector<std::uint32_t>& heads_;  // by rank: the first that waits; of the thread
  std::vector<std::uint32_t> ranks_;   // a heap of those with something to do
  std::vector<Work> suspended_;        // each of a lower rank than the one before it
};

}  // namespace quire::engine
