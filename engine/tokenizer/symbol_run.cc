#include "engine/tokenizer/symbol_run.h"

#include <algorithm>
#include <functional>

namespace quire::engine {
namespace {

// An entry for each rank would take longer to clear than a run to merge: it is kept, and every list
// is empty again at the end of a merge.
std::vector<std::uint32_t>& HeadsOfThread(std::size_t num_ranks, std::uint32_t none) {
  thread_local std::vector<std::uint32_t> heads;
  if (heads.size() < num_ranks) heads.resize(num_ranks, none);
  return heads;
}

void Push(std::vector<std::uint32_t>& heap, std::uint32_t value) {
  heap.push_back(value);
  std::push_heap(heap.begin(), heap.end(), std::greater<>());
}

std::uint32_t Pop(std::vector<std::uint32_t>& heap) {
  std::pop_heap(heap.begin(), heap.end(), std::greater<>());
  const std::uint32_t value = heap.back();
  heap.pop_back();
  return value;
}

}  // namespace

SymbolRun::SymbolRun(const MergeTable& merges, std::span<SubwordToken> symbols)
    : merges_(merges),
      symbols_(symbols),
      nodes_(symbols.size()),
      heads_(HeadsOfThread(merges.num_ranks(), kNone)) {
  waiting_.reserve(symbols.size() * 2);
}

void SymbolRun::Merge() {
  const auto count = static_cast<std::uint32_t>(symbols_.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    nodes_[i] = {i == 0 ? kNone : i - 1, i + 1 == count ? kNone : i + 1, {}};
    const std::uint32_t rank = Refresh(i);
    if (rank != MergeTable::kNoRank) Wait(i, rank);
  }
  while (!ranks_.empty()) MergeRank(Pop(ranks_));
}

std::uint32_t SymbolRun::Refresh(std::uint32_t i) {
  Node& node = nodes_[i];
  node.with_next = node.next == kNone ? MergeTable::Merge{}
                                      : merges_.Find(symbols_[i].id, symbols_[node.next].id);
  return node.with_next.rank;
}

void SymbolRun::Wait(std::uint32_t i, std::uint32_t rank) {
  if (heads_[rank] == kNone) Push(ranks_, rank);
  waiting_.push_back({i, heads_[rank]});
  heads_[rank] = static_cast<std::uint32_t>(waiting_.size() - 1);
}

std::uint32_t SymbolRun::Work::Take() {
  const bool from_late = next == pairs.size() || (!late.empty() && late.front() < pairs[next]);
  return from_late ? Pop(late) : pairs[next++];
}

SymbolRun::Work SymbolRun::BeginWork(std::uint32_t rank) {
  std::vector<std::uint32_t> pairs;
  for (std::uint32_t at = heads_[rank]; at != kNone; at = waiting_[at].next) {
    pairs.push_back(waiting_[at].symbol);
  }
  heads_[rank] = kNone;
  Work work{.rank = rank, .pairs = {}, .next = 0, .late = {}};
  if (!suspended_.empty() && suspended_.back().rank == rank) {
    work = std::move(suspended_.back());
    suspended_.pop_back();
    for (const std::uint32_t pair : pairs) Push(work.late, pair);
    return work;
  }
  std::reverse(pairs.begin(), pairs.end());  // as they came, which mostly is their order
  if (!std::is_sorted(pairs.begin(), pairs.end())) std::sort(pairs.begin(), pairs.end());
  work.pairs = std::move(pairs);
  return work;
}

void SymbolRun::MergeRank(std::uint32_t rank) {
  Work work = BeginWork(rank);
  while (!work.empty()) {
    if (!ranks_.empty() && ranks_.front() < rank) {
      Push(ranks_, rank);
      suspended_.push_back(std::move(work));
      return;
    }
    const std::uint32_t i = work.Take();
    // A symbol that is gone has no merge; one that was merged since has another.
    if (nodes_[i].with_next.rank == rank) Join(i, work);
  }
}

void SymbolRun::Join(std::uint32_t i, Work& work) {
  Node& node = nodes_[i];
  const std::uint32_t joined = node.next;
  symbols_[i].id = node.with_next.id;
  symbols_[i].end = symbols_[joined].end;
  symbols_[joined].id = kGone;
  nodes_[joined].with_next = {};
  node.next = nodes_[joined].next;
  if (node.next != kNone) nodes_[node.next].previous = i;
  for (const std::uint32_t changed : {node.previous, i}) {
    if (changed == kNone) continue;
    const std::uint32_t rank = Refresh(changed);
    if (rank == work.rank) {
      Push(work.late, changed);
    } else if (rank != MergeTable::kNoRank) {
      Wait(changed, rank);
    }
  }
}

}  // namespace quire::engine
