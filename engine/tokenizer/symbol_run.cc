#include "engine/tokenizer/symbol_run.h"

#include <algorithm>

namespace quire::engine {
namespace {

constexpr TokenId kGone = -1;

std::size_t RoundUp(std::size_t count, std::size_t unit) {
  return (count + unit - 1) / unit * unit;
}

}  // namespace

std::size_t SymbolRun::Merge(std::span<SubwordToken> symbols) {
  symbols_ = symbols;
  if (symbols_.size() < 2) return symbols_.size();
  Prepare();
  const std::uint64_t& least = levels_[num_levels_ - 1].front();
  while (least != kNoPair) Join(static_cast<std::uint32_t>(least));
  const auto is_gone = [](const SubwordToken& symbol) { return symbol.id == kGone; };
  const auto end = std::remove_if(symbols.begin(), symbols.end(), is_gone);
  return static_cast<std::size_t>(end - symbols.begin());
}

void SymbolRun::Prepare() {
  const auto count = static_cast<std::uint32_t>(symbols_.size());
  nodes_.resize(count);
  if (levels_.empty()) levels_.emplace_back();
  levels_[0].assign(RoundUp(count, kGroup), kNoPair);
  for (std::uint32_t i = 0; i < count; ++i) {
    nodes_[i] = {i == 0 ? kNone : i - 1, i + 1 == count ? kNone : i + 1, 0};
    levels_[0][i] = FindPair(i);
  }
  num_levels_ = 1;
  while (levels_[num_levels_ - 1].size() > 1) {
    if (levels_.size() == num_levels_) levels_.emplace_back();
    const std::size_t groups = levels_[num_levels_ - 1].size() / kGroup;
    std::vector<std::uint64_t>& level = levels_[num_levels_++];
    level.assign(groups == 1 ? 1 : RoundUp(groups, kGroup), kNoPair);
    for (std::size_t group = 0; group < groups; ++group) PlayGroup(num_levels_ - 1, group);
  }
}

std::uint64_t SymbolRun::FindPair(std::uint32_t i) {
  Node& node = nodes_[i];
  if (node.next == kNone) return kNoPair;
  const MergeTable::Merge merge = merges_.Find(symbols_[i].id, symbols_[node.next].id);
  if (merge.rank == MergeTable::kNoRank) return kNoPair;
  node.merged = merge.id;
  return (std::uint64_t{merge.rank} << 32) | i;
}

void SymbolRun::PlayGroup(std::size_t level, std::size_t group) {
  const std::uint64_t* pair = levels_[level - 1].data() + group * kGroup;
  // As a tree: a comparison does not wait for the one before it.
  static_assert(kGroup == 8);
  levels_[level][group] =
      std::min(std::min(std::min(pair[0], pair[1]), std::min(pair[2], pair[3])),
               std::min(std::min(pair[4], pair[5]), std::min(pair[6], pair[7])));
}

void SymbolRun::Replay(std::size_t first, std::size_t second, std::size_t third) {
  for (std::size_t level = 1; level < num_levels_; ++level) {
    first /= kGroup;
    second /= kGroup;
    third /= kGroup;
    PlayGroup(level, second);
    if (first != second) PlayGroup(level, first);
    if (third != second) PlayGroup(level, third);
  }
}

void SymbolRun::Join(std::uint32_t i) {
  Node& node = nodes_[i];
  const std::uint32_t joined = node.next;
  symbols_[i].id = node.merged;
  symbols_[i].end = symbols_[joined].end;
  symbols_[joined].id = kGone;
  node.next = nodes_[joined].next;
  if (node.next != kNone) nodes_[node.next].previous = i;
  // Both are looked up before either is used: they wait for memory together.
  const std::uint64_t with_next = FindPair(i);
  const std::uint64_t with_previous = node.previous == kNone ? kNoPair : FindPair(node.previous);
  const std::uint32_t previous = node.previous == kNone ? i : node.previous;
  levels_[0][previous] = with_previous;
  levels_[0][i] = with_next;
  levels_[0][joined] = kNoPair;
  Replay(previous, i, joined);
}

}  // namespace quire::engine
