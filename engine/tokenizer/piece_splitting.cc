#include "engine/tokenizer/piece_splitting.h"

#include <algorithm>

namespace quire::engine {
namespace {

// A stretch of the text: a match, or what lies between two of them.
struct Stretch {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_match = false;
};

// All of [0, size), in order; `invert` takes the stretches between matches for the matches.
std::vector<Stretch> Stretches(std::size_t size, const std::vector<Match>& matches, bool invert) {
  std::vector<Stretch> stretches;
  stretches.reserve(2 * matches.size() + 1);
  std::size_t done = 0;
  for (const Match& match : matches) {
    if (done < match.begin) stretches.push_back({done, match.begin, invert});
    stretches.push_back({match.begin, match.end, !invert});
    done = match.end;
  }
  if (done < size) stretches.push_back({done, size, invert});
  return stretches;
}

void CutContiguous(const std::vector<Stretch>& stretches, std::vector<Match>& pieces) {
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    if (i > 0 && stretches[i].is_match == stretches[i - 1].is_match) {
      pieces.back().end = stretches[i].end;
    } else {
      pieces.push_back({stretches[i].begin, stretches[i].end});
    }
  }
}

// A match joins what comes before, unless that is a match that did so.
void CutMergedWithPrevious(const std::vector<Stretch>& stretches, std::vector<Match>& pieces) {
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    if (i > 0 && stretches[i].is_match && !stretches[i - 1].is_match) {
      pieces.back().end = stretches[i].end;
    } else {
      pieces.push_back({stretches[i].begin, stretches[i].end});
    }
  }
}

// The mirror image, from right to left.
void CutMergedWithNext(const std::vector<Stretch>& stretches, std::vector<Match>& pieces) {
  const auto first = static_cast<std::ptrdiff_t>(pieces.size());
  for (std::size_t i = stretches.size(); i-- > 0;) {
    if (i + 1 < stretches.size() && stretches[i].is_match && !stretches[i + 1].is_match) {
      pieces.back().begin = stretches[i].begin;
    } else {
      pieces.push_back({stretches[i].begin, stretches[i].end});
    }
  }
  std::reverse(pieces.begin() + first, pieces.end());
}

}  // namespace

void CutAtMatches(std::size_t size, const std::vector<Match>& matches, SplitRule rule,
                  std::vector<Match>& pieces) {
  const std::vector<Stretch> stretches = Stretches(size, matches, rule.invert);
  switch (rule.behavior) {
    case SplitBehavior::kRemoved:
    case SplitBehavior::kIsolated:
      for (const Stretch& stretch : stretches) {
        if (stretch.is_match && rule.behavior == SplitBehavior::kRemoved) continue;
        pieces.push_back({stretch.begin, stretch.end});
      }
      return;
    case SplitBehavior::kMergedWithPrevious:
      return CutMergedWithPrevious(stretches, pieces);
    case SplitBehavior::kMergedWithNext:
      return CutMergedWithNext(stretches, pieces);
    case SplitBehavior::kContiguous:
      return CutContiguous(stretches, pieces);
  }
}

}  // namespace quire::engine
