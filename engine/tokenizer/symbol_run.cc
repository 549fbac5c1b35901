#include "engine/tokenizer/symbol_run.h"

#include <algorithm>

namespace quire::engine {
namespace {

constexpr TokenId kGone = -1;

std::size_t RoundUp(std::size_t count, std::size_t unit) {
  return (count + unit - 1) / unit * unit;
}

}  // namespace

void SymbolRun::Merge(std::vector<SubwordToken>& symbols, std::size_t first) {
  symbols_ = std::span(symbols).subspan(first);
  if (symbols_.size() < 2) return;
  Prepare();
  const std::uint64_t& least = levels_[num_levels_ - 1].front();
  while (least != kNoPair) Join(static_cast<std::uint32_t>(least));
  const auto is_gone = [](const SubwordToken& symbol) { return symbol.id == kGone; };
  symbols.erase(
      std::remove_if(symbols.begin() + static_cast<std::ptrdiff_t>(first), symbols.end(), is_gone),
      symbols.end());
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
    const std::vector<std::uint64_t>& below = levels_[num_levels_ - 1];
    const std::size_t groups = below.size() / kGroup;
    std::vector<std::uint64_t>& level = levels_[num_levels_++];
    level.assign(groups == 1 ? 1 : RoundUp(groups, kGroup), kNoPair);
    for (std::size_t group = 0; group < groups; ++group) level[group] = LeastOfGroup(below, group);
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

std::uint64_t SymbolRun::LeastOfGroup(const std::vector<std::uint64_t>& level,
                                      std::size_t group) const {
  const std::uint64_t* pair = level.data() + group * kGroup;
  // Two chains: a comparison does not wait for the one before it.
  std::uint64_t even = pair[0];
  std::uint64_t odd = pair[1];
  for (std::size_t i = 2; i < kGroup; i += 2) {
    even = std::min(even, pair[i]);
    odd = std::min(odd, pair[i + 1]);
  }
  return std::min(even, odd);
}

void SymbolRun::SetPair(std::uint32_t i, std::uint64_t pair) {
  std::size_t at = i;
  std::uint64_t old = levels_[0][at];
  if (old == pair) return;
  levels_[0][at] = pair;
  for (std::size_t level = 1; level < num_levels_; ++level) {
    const std::size_t group = at / kGroup;
    std::uint64_t& least = levels_[level][group];
    std::uint64_t now = least;
    if (pair < least) {
      now = pair;
    } else if (least == old) {
      now = LeastOfGroup(levels_[level - 1], group);
    }
    if (now == least) return;
    old = least;
    pair = least = now;
    at = group;
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
  SetPair(joined, kNoPair);
  if (node.previous != kNone) SetPair(node.previous, FindPair(node.previous));
  SetPair(i, FindPair(i));
}

}  // namespace quire::engine
