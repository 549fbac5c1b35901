#include "engine/tokenizer/piece_cache.h"

#include <cstring>
#include <functional>

namespace quire::engine {

bool PieceCache::Find(std::string_view piece, std::vector<SubwordToken>& tokens) const {
  if (piece.size() > kMaxPieceBytes) return false;
  const std::size_t hash = std::hash<std::string_view>{}(piece);
  const Shard& shard = (*shards_)[hash % kNumShards];
  const std::lock_guard lock(shard.mutex);
  const Slot& slot = shard.slots[hash / kNumShards % kSlotsPerShard];
  if (std::string_view(slot.piece.data(), slot.piece_bytes) != piece) return false;
  for (std::size_t i = 0; i < slot.num_tokens; ++i) {
    tokens.push_back({slot.ids[i], slot.begins[i], slot.ends[i]});
  }
  return true;
}

void PieceCache::Put(std::string_view piece, const std::vector<SubwordToken>& tokens,
                     std::size_t first) {
  const std::size_t count = tokens.size() - first;
  if (piece.size() > kMaxPieceBytes || count > kMaxTokens) return;
  const std::size_t hash = std::hash<std::string_view>{}(piece);
  Shard& shard = (*shards_)[hash % kNumShards];
  const std::lock_guard lock(shard.mutex);
  Slot& slot = shard.slots[hash / kNumShards % kSlotsPerShard];
  std::memcpy(slot.piece.data(), piece.data(), piece.size());
  slot.piece_bytes = static_cast<std::uint8_t>(piece.size());
  slot.num_tokens = static_cast<std::uint8_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    const SubwordToken& token = tokens[first + i];
    slot.ids[i] = token.id;
    slot.begins[i] = static_cast<std::uint8_t>(token.begin);
    slot.ends[i] = static_cast<std::uint8_t>(token.end);
  }
}

}  // namespace quire::engine
