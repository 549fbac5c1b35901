#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/split_pattern.h"

namespace quire::engine {

// What happens to the matches of a pattern when a piece is cut at them.
enum class SplitBehavior {
  kRemoved,             // dropped
  kIsolated,            // pieces of their own
  kMergedWithPrevious,  // joined to what comes before
  kMergedWithNext,      // joined to what comes after
  kContiguous,          // pieces of their own, adjoining ones joined
};

struct SplitRule {
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;  // matches are text, and what lies between them is what is cut at
};

// Appends the pieces of [0, size) that `rule` makes of `matches` (in order, without overlap).
void CutAtMatches(std::size_t size, const std::vector<Match>& matches, SplitRule rule,
                  std::vector<Match>& pieces);

// Replaces each piece that is no added token by what `split(piece text, parts)` appends to
// `parts`, in bytes from the start of the piece.
template <typename SplitPiece>
void RefinePieces(PreTokenizedText& text, SplitPiece split) {
  std::vector<PreTokenizedText::Piece> refined;
  refined.reserve(text.pieces.size());
  std::vector<Match> parts;
  for (const PreTokenizedText::Piece& piece : text.pieces) {
    if (piece.token != PreTokenizedText::kNoToken) {
      refined.push_back(piece);
      continue;
    }
    parts.clear();
    split(text.Text(piece), parts);
    for (const Match& part : parts) {
      if (part.begin == part.end) continue;
      refined.push_back({piece.begin + part.begin, piece.begin + part.end});
    }
  }
  text.pieces = std::move(refined);
}

}  // namespace quire::engine
