#include "engine/scheduler/prefix_sharing.h"

namespace quire::engine {
namespace {

// The name of what lies before block `block`. Requires: the blocks before it have names.
BlockKey ParentKey(const Sequence& sequence, std::size_t block) {
  return block == 0 ? RootBlockKey(sequence.request.scheduling.cache_salt)
                    : sequence.block_keys[block - 1];
}

}  // namespace

PrefixSharing::PrefixSharing(const PrefixSharingOptions& options, BlockAllocator& allocator)
    : options_(options), allocator_(allocator), history_(allocator.num_blocks()) {
  allocator_.set_on_evicted([this](const BlockKey& key, BlockId block) {
    history_.OnEvicted(key);
    if (options_.tier != nullptr) options_.tier->Save(key, block);
  });
}

bool PrefixSharing::Uses(const Sequence& sequence) const {
  return options_.is_enabled && !sequence.request.num_prompt_logprobs;
}

std::size_t PrefixSharing::NumReusable(const Sequence& sequence) const {
  return static_cast<std::size_t>((sequence.num_tokens() - 1) / allocator_.block_size());
}

std::span<const TokenId> PrefixSharing::BlockTokens(const Sequence& sequence,
                                                    std::size_t block) const {
  const auto block_size = static_cast<std::size_t>(allocator_.block_size());
  return std::span(sequence.tokens).subspan(block * block_size, block_size);
}

void PrefixSharing::ExtendKeys(Sequence& sequence, std::int32_t num_tokens) const {
  const auto num_full = static_cast<std::size_t>(num_tokens / allocator_.block_size());
  std::vector<BlockKey>& keys = sequence.block_keys;
  while (keys.size() < num_full) {
    keys.push_back(
        NextBlockKey(ParentKey(sequence, keys.size()), BlockTokens(sequence, keys.size())));
  }
}

PrefixMatch PrefixSharing::Find(Sequence& sequence) const {
  if (!Uses(sequence)) return {};
  ExtendKeys(sequence, sequence.num_tokens() - 1);
  return FindPrefix(std::span(sequence.block_keys).first(NumReusable(sequence)), options_.window,
                    allocator_);
}

bool PrefixSharing::IsBeingComputed(const Sequence& sequence, const PrefixMatch& found) const {
  const auto next = static_cast<std::size_t>(found.num_blocks());
  if (!Uses(sequence) || next >= NumReusable(sequence)) return false;
  return computing_.contains(sequence.block_keys[next]);
}

std::size_t PrefixSharing::Restore(Sequence& sequence, std::size_t num_found) {
  if (options_.tier == nullptr || !Uses(sequence)) return 0;
  std::size_t end = num_found;
  while (end < NumReusable(sequence) &&
         options_.tier->Restore(sequence.block_keys[end], sequence.blocks.blocks()[end])) {
    PublishBlock(sequence, end++);
  }
  return end - num_found;
}

void PrefixSharing::StartComputing(Sequence& sequence) {
  if (!options_.is_enabled) return;
  ExtendKeys(sequence, sequence.num_tokens());
  for (std::size_t i = sequence.num_published; i < sequence.block_keys.size(); ++i) {
    computing_.try_emplace(sequence.block_keys[i], &sequence);
  }
}

void PrefixSharing::EndWait(const BlockKey& key, const Sequence& sequence) {
  const auto found = computing_.find(key);
  if (found != computing_.end() && found->second == &sequence) computing_.erase(found);
}

void PrefixSharing::StopComputing(const Sequence& sequence) {
  for (std::size_t i = sequence.num_published; i < sequence.block_keys.size(); ++i) {
    EndWait(sequence.block_keys[i], sequence);
  }
}

void PrefixSharing::Publish(Sequence& sequence) {
  if (!options_.is_enabled) return;
  ExtendKeys(sequence, sequence.num_computed);
  const auto num_full = static_cast<std::size_t>(sequence.num_computed / allocator_.block_size());
  for (std::size_t& i = sequence.num_published; i < num_full; ++i) {
    PublishBlock(sequence, i);
    EndWait(sequence.block_keys[i], sequence);
  }
}

void PrefixSharing::PublishBlock(const Sequence& sequence, std::size_t block) {
  const BlockKey& key = sequence.block_keys[block];
  const std::span<const TokenId> tokens = BlockTokens(sequence, block);
  allocator_.SetKey(sequence.blocks.blocks()[block], key);
  history_.OnPublished(ParentKey(sequence, block), key, tokens);
  const SchedulingParams& params = sequence.request.scheduling;
  if (block == 0) history_.OnBegun(params.client, params.cache_salt, tokens);
}

PrefixMissReason PrefixSharing::Explain(const Sequence& sequence) const {
  if (!Uses(sequence)) return {.miss = PrefixMiss::kDisabled};
  const std::size_t block = sequence.num_published;
  if (block >= NumReusable(sequence)) return {};
  const SchedulingParams& params = sequence.request.scheduling;
  const std::span<const TokenId> tokens = BlockTokens(sequence, block);
  PrefixMissReason reason = history_.Explain(ParentKey(sequence, block), sequence.block_keys[block],
                                             static_cast<std::int32_t>(block), tokens);
  if (reason.miss == PrefixMiss::kUnseen && block == 0 &&
      history_.HasOtherSalt(params.client, params.cache_salt, tokens)) {
    reason.miss = PrefixMiss::kOtherSalt;
  }
  return reason;
}

void PrefixSharing::Forget() {
  allocator_.ForgetKeys();
  history_.Clear();
  if (options_.tier != nullptr) options_.tier->Clear();
}

}  // namespace quire::engine
