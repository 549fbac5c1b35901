#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/scheduler/sequence.h"

namespace quire::engine {

// A share of the work: what was computed for its owner, over the owner's weight.
struct Share {
  double served = 0.0;
  double weight = 1.0;
  std::int32_t num_active = 0;  // sequences that joined and have not left
};

// The sequences of one group of one client.
struct ShareGroup {
  Share share;
  Share* client = nullptr;
  std::deque<Sequence*> waiting;
};

// The sequences that wait for admission, and whose turn it is. Each client has a virtual token
// counter that grows with what is computed for it; whose counter is lowest goes first. The groups
// of a client share its turns in the same way, and within a group first come is first served.
// Requests of one client with different priorities count as different clients, of different weight.
// A client that comes back after a pause gets no credit for it: its counter is lifted to the lowest
// of the active ones.
// Source: Sheng et al. 2024, "Fairness in Serving Large Language Models", algorithm 2.
//
// Engine thread only.
class FairQueue {
 public:
  // From here to Leave the sequence counts as work of its client and group.
  void Join(Sequence& sequence);
  // Forgets the sequence, waiting or not.
  void Leave(Sequence& sequence);

  // Queues a sequence that has joined, behind those of its group or, if it was admitted before, in
  // front of them.
  void Push(Sequence& sequence, bool in_front);
  // Takes a sequence out of the queue; no effect if it is not in it.
  void Remove(Sequence& sequence);

  // Notes that `tokens` were computed for a sequence that has joined.
  void Charge(const Sequence& sequence, double tokens);

  // The sequence whose turn it is among those that are not paused and for which `can_run` holds, or
  // null. Of each group only the first few are asked.
  template <typename CanRun>
  Sequence* Next(CanRun can_run) const {
    for (const ShareGroup* group : GroupsByTurn()) {
      std::size_t num_asked = 0;
      for (Sequence* sequence : group->waiting) {
        if (sequence->is_paused) continue;
        if (can_run(*sequence)) return sequence;
        if (++num_asked == kMaxAsked) break;
      }
    }
    return nullptr;
  }

  std::int32_t size() const { return size_; }
  // Tokens of all waiting sequences.
  std::int64_t num_tokens() const { return num_tokens_; }
  bool empty() const { return size_ == 0; }

 private:
  static constexpr std::size_t kMaxAsked = 16;

  struct Client {
    Share share;
    std::map<std::string, ShareGroup> groups;
  };
  using Clients = std::map<std::pair<std::string, Priority>, Client>;

  // The groups with waiting sequences, whose turn it is first in front.
  std::vector<const ShareGroup*> GroupsByTurn() const;
  // Lifts the counter of a client that becomes active.
  void Lift(Share& share);

  Clients clients_;           // active ones, and some that left with a counter above the others
  double last_served_ = 0.0;  // counter of the client that left last
  std::int32_t size_ = 0;
  std::int64_t num_tokens_ = 0;
};

}  // namespace quire::engine
