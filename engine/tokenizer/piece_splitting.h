#pragma once

#include <cstddef>

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

// Cuts [0, size) at the matches of a pattern, as they come.
//
// Thread-compatible.
class MatchCutter {
 public:
  // Gives the parts to `visit`, which must outlive the object.
  MatchCutter(std::size_t size, SplitRule rule, MatchVisitor visit)
      : size_(size), rule_(rule), visit_(visit) {}

  // In order, without overlap.
  void Add(const Match& match) {
    if (done_ < match.begin) AddStretch({done_, match.begin}, rule_.invert);
    AddStretch(match, !rule_.invert);
    done_ = match.end;
  }
  // After the last match.
  void Finish();

 private:
  // Takes a match, or what lies between two of them.
  void AddStretch(const Match& stretch, bool is_match) {
    if (rule_.behavior == SplitBehavior::kIsolated) return visit_(stretch);
    AddToHeld(stretch, is_match);
  }
  // The same where stretches may be dropped or joined.
  void AddToHeld(const Match& stretch, bool is_match);
  bool JoinsHeld(bool is_match) const;

  const std::size_t size_;
  const SplitRule rule_;
  const MatchVisitor visit_;
  std::size_t done_ = 0;
  Match held_;  // a part that the next stretch may join; none if empty
  bool held_is_match_ = false;
};

}  // namespace quire::engine
