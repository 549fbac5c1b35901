#include "engine/tokenizer/piece_splitting.h"

namespace quire::engine {

void MatchCutter::Finish() {
  if (done_ < size_) AddStretch({done_, size_}, rule_.invert);
  if (held_.begin < held_.end) visit_(held_);
}

bool MatchCutter::JoinsHeld(bool is_match) const {
  switch (rule_.behavior) {
    case SplitBehavior::kRemoved:
    case SplitBehavior::kIsolated:
      return false;
    // A match joins what comes before, unless that is a match or has one already.
    case SplitBehavior::kMergedWithPrevious:
      return !held_is_match_ && is_match;
    case SplitBehavior::kMergedWithNext:
      return held_is_match_ && !is_match;
    case SplitBehavior::kContiguous:
      return held_is_match_ == is_match;
  }
  return false;
}

void MatchCutter::AddToHeld(const Match& stretch, bool is_match) {
  if (rule_.behavior == SplitBehavior::kRemoved) {
    if (!is_match) visit_(stretch);
    return;
  }
  if (held_.begin < held_.end) {
    if (JoinsHeld(is_match)) {
      held_.end = stretch.end;
      held_is_match_ = is_match;
      return;
    }
    visit_(held_);
  }
  held_ = stretch;
  held_is_match_ = is_match;
}

}  // namespace quire::engine
