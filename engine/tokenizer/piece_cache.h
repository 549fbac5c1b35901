#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "engine/tokenizer/subword_model.h"

namespace quire::engine {

// Remembers the tokens of short pieces: words repeat. Direct-mapped and of fixed size (1 MiB), so
// that no input makes it grow; a piece displaces whatever has its slot.
//
// Thread-safe: one lock per shard.
class PieceCache {
 public:
  PieceCache() : shards_(std::make_unique<std::array<Shard, kNumShards>>()) {}

  // Appends the remembered tokens of `piece`; false if there are none.
  bool Find(std::string_view piece, std::vector<SubwordToken>& tokens) const;
  // Remembers tokens[first..] for `piece`, if both are small enough.
  void Put(std::string_view piece, const std::vector<SubwordToken>& tokens, std::size_t first);

 private:
  static constexpr std::size_t kNumShards = 64;
  static constexpr std::size_t kSlotsPerShard = 256;
  static constexpr std::size_t kMaxPieceBytes = 24;
  static constexpr std::size_t kMaxTokens = 5;

  // One cache line.
  struct Slot {
    std::array<char, kMaxPieceBytes> piece{};
    std::uint8_t piece_bytes = 0;  // 0: free
    std::uint8_t num_tokens = 0;
    std::array<std::uint8_t, kMaxTokens> begins{};
    std::array<std::uint8_t, kMaxTokens> ends{};
    std::array<TokenId, kMaxTokens> ids{};
  };
  struct Shard {
    mutable std::mutex mutex;
    std::array<Slot, kSlotsPerShard> slots;
  };

  std::unique_ptr<std::array<Shard, kNumShards>> shards_;
};

}  // namespace quire::engine
