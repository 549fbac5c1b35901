#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/sampling/constraints/token_mask.h"

namespace quire::engine {

// Masks that were asked for, the most recent ones, within a bound on memory. One mask serves every
// stack it does not depend on: a string is a string at any depth.
//
// Thread-compatible.
class MaskCache {
 public:
  static constexpr std::size_t kDefaultBytes = std::size_t{64} << 20;

  explicit MaskCache(std::size_t max_bytes = kDefaultBytes) : max_bytes_(max_bytes) {}
  MaskCache(const MaskCache&) = delete;
  MaskCache& operator=(const MaskCache&) = delete;

  // The tokens that `matcher` allows next. Valid until the next call.
  const TokenMask& Get(const ConstraintMatcher& matcher);

  std::int64_t num_hits() const { return num_hits_; }
  std::int64_t num_misses() const { return num_misses_; }
  std::size_t num_bytes() const { return num_bytes_; }

 private:
  struct Key {
    std::uint64_t constraint = 0;  // its serial
    constraints::StateId state = 0;
    bool strips_next_space = false;

    bool operator==(const Key&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.constraint, key.state, key.strips_next_space);
    }
  };
  struct Entry {
    Key key;
    ConstraintStep step;
    std::size_t num_bytes = 0;
  };
  using Entries = std::list<Entry>;

  void Evict();

  const std::size_t max_bytes_;
  Entries entries_;  // the last used first
  absl::flat_hash_map<Key, std::vector<Entries::iterator>> index_;
  std::size_t num_bytes_ = 0;
  std::int64_t num_hits_ = 0;
  std::int64_t num_misses_ = 0;
};

}  // namespace quire::engine
