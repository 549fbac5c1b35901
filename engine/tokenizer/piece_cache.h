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
  // A piece and where it belongs, worked out once for Find and Put. Does not keep the text.
  class Piece;

  PieceCache()
      : tags_(std::make_unique<std::array<Tag, kNumSlots>>()),
        slots_(std::make_unique<std::array<Slot, kNumSlots>>()) {}

  // Appends the remembered tokens of `piece`; false if there are none.
  bool Find(const Piece& piece, std::vector<SubwordToken>& tokens) const;
  // Remembers tokens[first..] for `piece`, if both are small enough and the tokens are all of it.
  void Put(const Piece& piece, const std::vector<SubwordToken>& tokens, std::size_t first);

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
  // Of the piece in a slot: other bits of its hash. They lie together, so that a piece that is not
  // there is known without the cache line of its slot; a wrong one costs time alone.
  using Tag = std::atomic<std::uint8_t>;
  // One cache line.
  struct alignas(64) Slot {
    // Bits 0-7: bytes of the piece, 0 if the slot is free; 8-15: number of tokens; 16: the slot is
    // being written; 17-63: times it was.
    std::atomic<std::uint64_t> state{0};
    std::array<std::atomic<std::uint64_t>, kPieceWords> piece{};
    std::array<std::atomic<std::uint64_t>, kTokenWords> tokens{};
  };

  std::unique_ptr<std::array<Tag, kNumSlots>> tags_;
  std::unique_ptr<std::array<Slot, kNumSlots>> slots_;
};

class PieceCache::Piece {
 public:
  explicit Piece(std::string_view text);

 private:
  friend class PieceCache;

  std::size_t size_;  // bytes; 0: too long to be remembered
  Key key_{};
  std::size_t slot_ = 0;
  std::uint8_t tag_ = 0;
};

}  // namespace quire::engine
