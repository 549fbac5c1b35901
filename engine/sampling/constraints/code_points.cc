#include "engine/sampling/constraints/code_points.h"

#include <algorithm>
#include <string>

#include "base/utf8.h"

namespace quire::engine::constraints {
namespace {

constexpr char32_t kMax = 0x10FFFF;
constexpr char32_t kBeforeSurrogates = 0xD7FF;
constexpr char32_t kAfterSurrogates = 0xE000;

// Cuts `range` where the length of the encoding changes, and where a byte other than the last does
// not run through all its values; then every part is a product of byte ranges.
void AppendSequences(CodePointSet::Range range, std::vector<Utf8Sequence>& sequences) {
  const auto split = [&](char32_t end_of_first) {
    AppendSequences({range.first, end_of_first}, sequences);
    AppendSequences({end_of_first + 1, range.last}, sequences);
  };
  for (const char32_t end_of_length : {U'\x7F', U'\x7FF', U'\xFFFF'}) {
    if (range.first <= end_of_length && end_of_length < range.last) return split(end_of_length);
  }
  for (int i = 1; i <= 3 && range.last > 0x7F; ++i) {
    const char32_t low_bits = (char32_t{1} << (6 * i)) - 1;
    if ((range.first & ~low_bits) == (range.last & ~low_bits)) continue;
    if ((range.first & low_bits) != 0) return split(range.first | low_bits);
    if ((range.last & low_bits) != low_bits) return split((range.last & ~low_bits) - 1);
  }
  std::string first;
  std::string last;
  AppendUtf8(range.first, first);
  AppendUtf8(range.last, last);
  Utf8Sequence sequence;
  for (std::size_t i = 0; i < first.size(); ++i) {
    sequence.bytes[i] = {static_cast<std::uint8_t>(first[i]), static_cast<std::uint8_t>(last[i])};
  }
  sequence.length = static_cast<int>(first.size());
  sequences.push_back(sequence);
}

}  // namespace

CodePointSet::CodePointSet(std::vector<Range> ranges) {
  std::vector<Range> parts;
  for (const Range& range : ranges) {
    if (range.first <= kBeforeSurrogates) {
      parts.push_back({range.first, std::min(range.last, kBeforeSurrogates)});
    }
    if (range.last >= kAfterSurrogates && range.first <= kMax) {
      parts.push_back({std::max(range.first, kAfterSurrogates), std::min(range.last, kMax)});
    }
  }
  std::sort(parts.begin(), parts.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  for (const Range& part : parts) {
    if (!ranges_.empty() && part.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, part.last);
    } else {
      ranges_.push_back(part);
    }
  }
}

CodePointSet CodePointSet::Complement() const {
  std::vector<Range> gaps;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (next < range.first) gaps.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kMax) gaps.push_back({next, kMax});
  return CodePointSet(std::move(gaps));
}

CodePointSet CodePointSet::And(const CodePointSet& other) const {
  std::vector<Range> common;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < ranges_.size() && j < other.ranges_.size()) {
    const Range& a = ranges_[i];
    const Range& b = other.ranges_[j];
    const Range both = {std::max(a.first, b.first), std::min(a.last, b.last)};
    if (both.first <= both.last) common.push_back(both);
    if (a.last < b.last) {
      ++i;
    } else {
      ++j;
    }
  }
  return CodePointSet(std::move(common));
}

CodePointSet CodePointSet::Without(const CodePointSet& other) const {
  return And(other.Complement());
}

bool CodePointSet::Contains(char32_t c) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [c](const Range& range) { return range.first <= c && c <= range.last; });
}

std::vector<Utf8Sequence> Utf8Sequences(CodePointSet::Range range) {
  std::vector<Utf8Sequence> sequences;
  AppendSequences(range, sequences);
  return sequences;
}

}  // namespace quire::engine::constraints
