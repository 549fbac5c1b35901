#include "engine/tokenizer/piece_splitting.h"

namespace quire::engine {
namespace {

void CutMergedWithPrevious(std::size_t size, const std::vector<Match>& matches,
                           std::vector<Match>& pieces) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    // The second of two adjoining matches has only a match before it: it stands alone.
    pieces.push_back({begin, matches[i].end});
    begin = matches[i].end;
  }
  pieces.push_back({begin, size});
}

void CutMergedWithNext(std::size_t size, const std::vector<Match>& matches,
                       std::vector<Match>& pieces) {
  std::size_t begin = 0;
  for (const Match& match : matches) {
    pieces.push_back({begin, match.begin});
    begin = match.begin;
  }
  pieces.push_back({begin, size});
}

void CutIsolated(std::size_t size, const std::vector<Match>& matches, bool keep_matches,
                 std::vector<Match>& pieces) {
  std::size_t done = 0;
  for (const Match& match : matches) {
    if (done < match.begin) pieces.push_back({done, match.begin});
    if (keep_matches) pieces.push_back(match);
    done = match.end;
  }
  if (done < size) pieces.push_back({done, size});
}

void CutContiguous(std::size_t size, const std::vector<Match>& matches,
                   std::vector<Match>& pieces) {
  std::vector<Match> joined;
  for (const Match& match : matches) {
    if (!joined.empty() && joined.back().end == match.begin) {
      joined.back().end = match.end;
    } else {
      joined.push_back(match);
    }
  }
  CutIsolated(size, joined, /*keep_matches=*/true, pieces);
}

}  // namespace

void CutAtMatches(std::size_t size, const std::vector<Match>& matches, SplitBehavior behavior,
                  std::vector<Match>& pieces) {
  switch (behavior) {
    case SplitBehavior::kRemoved:
      return CutIsolated(size, matches, /*keep_matches=*/false, pieces);
    case SplitBehavior::kIsolated:
      return CutIsolated(size, matches, /*keep_matches=*/true, pieces);
    case SplitBehavior::kMergedWithPrevious:
      return CutMergedWithPrevious(size, matches, pieces);
    case SplitBehavior::kMergedWithNext:
      return CutMergedWithNext(size, matches, pieces);
    case SplitBehavior::kContiguous:
      return CutContiguous(size, matches, pieces);
  }
}

}  // namespace quire::engine
