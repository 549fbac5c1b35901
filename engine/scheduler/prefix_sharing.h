#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>

#include "engine/kv/block_allocator.h"
#include "engine/kv/block_tier.h"
#include "engine/kv/prefix_history.h"
#include "engine/kv/prefix_match.h"
#include "engine/scheduler/sequence.h"

namespace quire::engine {

struct PrefixSharingOptions {
  bool is_enabled = true;
  std::int32_t window = 0;    // as SchedulerLimits::window
  BlockTier* tier = nullptr;  // where blocks go that are handed out again; null: nowhere
};

// Which blocks of a sequence others have computed, are computing, or may use: names full blocks by
// their tokens and all before them, and remembers why one was not there. A sequence's last token is
// always computed, and so are all tokens of a request for their log-probs.
//
// Engine thread only. The allocator must outlive it.
class PrefixSharing {
 public:
  PrefixSharing(const PrefixSharingOptions& options, BlockAllocator& allocator);

  // The blocks of the sequence's prefix that are there; nothing is taken.
  PrefixMatch Find(Sequence& sequence) const;
  // True if another sequence is computing the block that follows `found`.
  bool IsBeingComputed(const Sequence& sequence, const PrefixMatch& found) const;

  // Brings back what the tier has of the blocks behind the `num_found` that were there, into those
  // of the sequence, until one is missing. Returns how many. Requires: the sequence has its blocks.
  std::size_t Restore(Sequence& sequence, std::size_t num_found);

  // From here to Publish or StopComputing others wait for the blocks that the sequence lacks.
  void StartComputing(Sequence& sequence);
  // Others need not wait for the sequence any more.
  void StopComputing(const Sequence& sequence);
  // Lets others find the blocks that are full now.
  void Publish(Sequence& sequence);

  // Why not more of the sequence's prompt was there. Requires: its first blocks were adopted.
  PrefixMissReason Explain(const Sequence& sequence) const;

  // What the blocks hold is not to be trusted: nobody finds it any more.
  void Forget();

 private:
  bool Uses(const Sequence& sequence) const;
  // Blocks that the sequence could take from others.
  std::size_t NumReusable(const Sequence& sequence) const;
  std::span<const TokenId> BlockTokens(const Sequence& sequence, std::size_t block) const;
  // Names the full blocks among the first `num_tokens` tokens.
  void ExtendKeys(Sequence& sequence, std::int32_t num_tokens) const;
  // Lets others find block `block` of the sequence.
  void PublishBlock(const Sequence& sequence, std::size_t block);
  // Ends the wait for a block, if it is this sequence that computes it.
  void EndWait(const BlockKey& key, const Sequence& sequence);

  const PrefixSharingOptions options_;
  BlockAllocator& allocator_;
  PrefixHistory history_;
  // Full prompt blocks that a running sequence is about to compute.
  std::unordered_map<BlockKey, const Sequence*, BlockKeyHash> computing_;
};

}  // namespace quire::engine
