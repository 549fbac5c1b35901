#include "engine/tokenizer/piece_cache.h"

#include <array>
#include <bit>
#include <cstring>

namespace quire::engine {
namespace {

constexpr std::uint64_t kByteMask = 0xFF;
constexpr int kNumTokensShift = 8;
constexpr std::uint64_t kWriting = std::uint64_t{1} << 16;
constexpr std::uint64_t kVersion = std::uint64_t{1} << 17;

}  // namespace

PieceCache::Key PieceCache::KeyOf(std::string_view piece) {
  Key key{};
  std::memcpy(key.data(), piece.data(), piece.size());
  return key;
}

std::size_t PieceCache::SlotOf(const Key& key, std::size_t piece_bytes) {
  // Odd numbers without pattern, so that each product spreads its word over the upper bits; apart,
  // so that no word waits for another.
  constexpr std::array<std::uint64_t, kPieceWords> kSpread = {
      0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9};
  std::uint64_t hash = piece_bytes;
  for (std::size_t i = 0; i < kPieceWords; ++i) {
    const std::uint64_t spread = key[i] * kSpread[i];
    hash ^= spread ^ spread >> 32;
  }
  return hash * kSpread[0] >> (64 - kSlotBits);
}

bool PieceCache::Find(std::string_view piece, std::vector<SubwordToken>& tokens) const {
  if (piece.size() > kMaxPieceBytes) return false;
  const Key key = KeyOf(piece);
  const Slot& slot = (*slots_)[SlotOf(key, piece.size())];
  // Acquire: nothing below is read before it, and the state again after all of that.
  const std::uint64_t state = slot.state.load(std::memory_order_acquire);
  if ((state & kByteMask) != piece.size() || (state & kWriting) != 0) return false;
  for (std::size_t i = 0; i < kPieceWords; ++i) {
    if (slot.piece[i].load(std::memory_order_acquire) != key[i]) return false;
  }
  std::array<std::uint64_t, kTokenWords> words;
  for (std::size_t i = 0; i < kTokenWords; ++i) {
    words[i] = slot.tokens[i].load(std::memory_order_acquire);
  }
  if (slot.state.load(std::memory_order_relaxed) != state) return false;
  const auto known = std::bit_cast<Tokens>(words);
  const std::size_t count = state >> kNumTokensShift & kByteMask;
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.push_back({known.ids[i], begin, known.ends[i]});
    begin = known.ends[i];
  }
  return true;
}

void PieceCache::Put(std::string_view piece, const std::vector<SubwordToken>& tokens,
                     std::size_t first) {
  const std::size_t count = tokens.size() - first;
  if (piece.size() > kMaxPieceBytes || count > kMaxTokens) return;
  Tokens known{};
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const SubwordToken& token = tokens[first + i];
    if (token.begin != end) return;  // a character was dropped
    end = token.end;
    known.ids[i] = token.id;
    known.ends[i] = static_cast<std::uint8_t>(end);
  }
  const Key key = KeyOf(piece);
  Slot& slot = (*slots_)[SlotOf(key, piece.size())];
  std::uint64_t state = slot.state.load(std::memory_order_relaxed);
  if ((state & kWriting) != 0 ||
      !slot.state.compare_exchange_strong(state, state | kWriting, std::memory_order_acq_rel)) {
    return;  // another thread writes
  }
  // Release: a reader that sees one of these sees in the state that it changed.
  const auto words = std::bit_cast<std::array<std::uint64_t, kTokenWords>>(known);
  for (std::size_t i = 0; i < kPieceWords; ++i) {
    slot.piece[i].store(key[i], std::memory_order_release);
  }
  for (std::size_t i = 0; i < kTokenWords; ++i) {
    slot.tokens[i].store(words[i], std::memory_order_release);
  }
  const std::uint64_t version = (state & ~(kVersion - 1)) + kVersion;
  slot.state.store(version | count << kNumTokensShift | piece.size(), std::memory_order_release);
}

}  // namespace quire::engine
