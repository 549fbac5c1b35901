#include "engine/tokenizer/piece_trie.h"

#include <algorithm>

namespace quire::engine {
namespace {

constexpr std::uint32_t kBlockUnits = 256;
// Blocks whose gaps are still looked at. Older ones are nearly full, and searching them all would
// cost quadratic time.
constexpr std::uint32_t kOpenBlocks = 16;
constexpr std::uint32_t kNoNode = UINT32_MAX;

}  // namespace

// Places the nodes depth first, with a stack of its own: a piece may be long.
class PieceTrie::Builder {
 public:
  using Entries = std::vector<std::pair<std::string_view, std::int32_t>>;

  Builder(const Entries& entries, std::vector<Unit>& units) : entries_(entries), units_(units) {}

  void Build() {
    AddBlock();
    Take(0);
    std::vector<Range> open = {{0, entries_.size(), 0, 0}};
    while (!open.empty()) {
      const Range range = open.back();
      open.pop_back();
      Place(range, open);
    }
  }

 private:
  // The entries that share a path of `depth` bytes, which ends at `node`.
  struct Range {
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
    std::uint32_t node;
  };
  struct Gap {
    std::uint32_t previous = kNoNode;
    std::uint32_t next = kNoNode;
    bool free = false;
  };

  unsigned char ByteAt(std::size_t entry, std::size_t depth) const {
    return static_cast<unsigned char>(entries_[entry].first[depth]);
  }

  void Place(Range range, std::vector<Range>& open) {
    if (entries_[range.begin].first.size() == range.depth) {
      units_[range.node].value = entries_[range.begin].second;
      ++range.begin;
    }
    if (range.begin == range.end) return;
    bytes_.clear();
    for (std::size_t i = range.begin; i < range.end; ++i) {
      const unsigned char byte = ByteAt(i, range.depth);
      if (bytes_.empty() || bytes_.back() != byte) bytes_.push_back(byte);
    }
    const std::uint32_t base = FindBase();
    units_[range.node].base = base;
    std::size_t begin = range.begin;
    for (const unsigned char byte : bytes_) {
      const std::uint32_t child = base ^ byte;
      Take(child);
      units_[child].parent = range.node;
      std::size_t end = begin;
      while (end < range.end && ByteAt(end, range.depth) == byte) ++end;
      open.push_back({begin, end, range.depth + 1, child});
      begin = end;
    }
  }

  // A base at which all of `bytes_` are free.
  std::uint32_t FindBase() {
    for (std::uint32_t gap = first_gap_; gap != kNoNode; gap = gaps_[gap].next) {
      const std::uint32_t base = gap ^ bytes_.front();
      const bool fits = std::all_of(bytes_.begin(), bytes_.end(),
                                    [&](unsigned char byte) { return gaps_[base ^ byte].free; });
      if (fits) return base;
    }
    const auto base = static_cast<std::uint32_t>(units_.size());
    AddBlock();
    return base;
  }

  void AddBlock() {
    const auto begin = static_cast<std::uint32_t>(units_.size());
    units_.resize(begin + kBlockUnits);
    gaps_.resize(units_.size());
    for (std::uint32_t i = begin; i < units_.size(); ++i) {
      gaps_[i] = {last_gap_, kNoNode, true};
      (last_gap_ == kNoNode ? first_gap_ : gaps_[last_gap_].next) = i;
      last_gap_ = i;
    }
    if (begin < kOpenBlocks * kBlockUnits) return;
    const std::uint32_t closed = begin - kOpenBlocks * kBlockUnits;
    for (std::uint32_t i = closed; i < closed + kBlockUnits; ++i) {
      if (gaps_[i].free) Take(i);
    }
  }

  void Take(std::uint32_t unit) {
    Gap& gap = gaps_[unit];
    gap.free = false;
    (gap.previous == kNoNode ? first_gap_ : gaps_[gap.previous].next) = gap.next;
    (gap.next == kNoNode ? last_gap_ : gaps_[gap.next].previous) = gap.previous;
  }

  const Entries& entries_;
  std::vector<Unit>& units_;
  std::vector<Gap> gaps_;  // by unit; the free ones of open blocks in a list
  std::uint32_t first_gap_ = kNoNode;
  std::uint32_t last_gap_ = kNoNode;
  std::vector<unsigned char> bytes_;
};

PieceTrie::PieceTrie(std::vector<std::pair<std::string_view, std::int32_t>> entries) {
  std::erase_if(entries, [](const auto& entry) { return entry.first.empty(); });
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  // Of equal texts, the last one.
  const auto last = std::unique(entries.rbegin(), entries.rend(),
                                [](const auto& a, const auto& b) { return a.first == b.first; });
  entries.erase(entries.begin(), last.base());
  if (!entries.empty()) Builder(entries, units_).Build();
}

}  // namespace quire::engine
