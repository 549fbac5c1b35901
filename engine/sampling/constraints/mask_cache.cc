#include "engine/sampling/constraints/mask_cache.h"

#include <algorithm>
#include <utility>

namespace quire::engine {

const TokenMask& MaskCache::Get(const ConstraintMatcher& matcher) {
  const Key key = {.constraint = matcher.constraint().serial(),
                   .state = matcher.state(),
                   .strips_next_space = matcher.strips_next_space()};
  std::vector<Entries::iterator>& same_state = index_[key];
  const auto found = std::find_if(same_state.begin(), same_state.end(), [&](const auto& entry) {
    return entry->step.Covers(matcher.stack());
  });
  if (found != same_state.end()) {
    ++num_hits_;
    entries_.splice(entries_.begin(), entries_, *found);
    return entries_.front().step.mask;
  }
  ++num_misses_;
  entries_.push_front({.key = key, .step = AllowedTokens(matcher)});
  Entry& entry = entries_.front();
  entry.num_bytes = sizeof(Entry) + entry.step.mask.num_bytes() +
                    entry.step.stack_top.capacity() * sizeof(constraints::StateId);
  num_bytes_ += entry.num_bytes;
  same_state.push_back(entries_.begin());
  Evict();
  return entries_.front().step.mask;
}

void MaskCache::Evict() {
  while (num_bytes_ > max_bytes_ && entries_.size() > 1) {
    const auto last = std::prev(entries_.end());
    const auto same_state = index_.find(last->key);
    std::erase(same_state->second, last);
    if (same_state->second.empty()) index_.erase(same_state);
    num_bytes_ -= last->num_bytes;
    entries_.pop_back();
  }
}

}  // namespace quire::engine
