#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/tokenizer/subword_model.h"

namespace quire::engine {

// Remembers the tokens of short pieces: words repeat. Direct-mapped and of fixed size (1 MiB), so
// that no input makes it grow; a piece displaces whatever has its slot.
//
// Thread-safe and without locks: a slot has a version, and one that changed while it was read
// counts as free. Source: Boehm 2012, "Can seqlocks get along with programming language memory
// models?", section 4.
class PieceCache {
 public:
  PieceCache() : slots_(std::make_unique<std::array<Slot, kNumSlots>>()) {}

  // Appends the remembered tokens of `piece`; false if there are none.
  bool Find(std::string_view piece, std::vector<SubwordToken>& tokens) const;
  // Remembers tokens[first..] for `piece`, if both are small enough and the tokens are all of it.
  void Put(std::string_view piece, const std::vector<SubwordToken>& tokens, std::size_t first);

 private:
  static constexpr int kSlotBits = 14;
  static constexpr std::size_t kNumSlots = std::size_t{1} << kSlotBits;
  static constexpr std::size_t kPieceWords = 3;
  static constexpr std::size_t kMaxPieceBytes = kPieceWords * sizeof(std::uint64_t);
  static constexpr std::size_t kTokenWords = 4;
  static constexpr std::size_t kMaxTokens = 6;

  // The bytes of a piece, zeros behind them.
  using Key = std::array<std::uint64_t, kPieceWords>;
  struct Tokens {
    std::array<TokenId, kMaxTokens> ids;
    std::array<std::uint8_t, kMaxTokens> ends;  // each begins where the one before it ends
    std::array<std::uint8_t, 2> unused;
  };
  // One cache line.
  struct alignas(64) Slot {
    // Bits 0-7: bytes of the piece, 0 if the slot is free; 8-15: number of tokens; 16: the slot is
    // being written; 17-63: times it was.
    std::atomic<std::uint64_t> state{0};
    std::array<std::atomic<std::uint64_t>, kPieceWords> piece{};
    std::array<std::atomic<std::uint64_t>, kTokenWords> tokens{};
  };

  static Key KeyOf(std::string_view piece);
  static std::size_t SlotOf(const Key& key, std::size_t piece_bytes);

  std::unique_ptr<std::array<Slot, kNumSlots>> slots_;
};

}  // namespace quire::engine
