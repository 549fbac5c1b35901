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
constexpr int kTagShift = 40;  // below the bits that say which slot

template <typename T>
T Load(std::string_view text, std::size_t offset) {
  T value;
  std::memcpy(&value, text.data() + offset, sizeof value);
  return value;
}

// One to seven bytes, as a little-endian number.
std::uint64_t LoadShort(std::string_view text) {
  const std::size_t size = text.size();
  if (size >= 4) {
    const std::uint64_t last = Load<std::uint32_t>(text, size - 4);
    return Load<std::uint32_t>(text, 0) | last << (8 * (size - 4));
  }
  if (size >= 2) {
    const std::uint64_t last = Load<std::uint16_t>(text, size - 2);
    return Load<std::uint16_t>(text, 0) | last << (8 * (size - 2));
  }
  return static_cast<unsigned char>(text[0]);
}

}  // namespace

PieceCache::Piece::Piece(std::string_view text)
    : size_(text.size() <= kMaxPieceBytes ? text.size() : 0) {
  if (size_ == 0) return;
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  // Word by word: the last bytes come with some before them, which are shifted out. One copy of so
  // many bytes as there are would have to be written before it can be read as words.
  std::size_t word = 0;
  for (; (word + 1) * kWord < size_; ++word) key_[word] = Load<std::uint64_t>(text, word * kWord);
  const std::size_t rest = size_ - word * kWord;  // 1 to 8
  key_[word] = size_ >= kWord ? Load<std::uint64_t>(text, size_ - kWord) >> (8 * (kWord - rest))
                              : LoadShort(text);
  // Odd numbers without pattern, so that each product spreads its word over the upper bits; apart,
  // so that no word waits for another.
  constexpr Key kSpread = {0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9};
  const std::uint64_t first = key_[0] * kSpread[0];
  const std::uint64_t second = key_[1] * kSpread[1];
  const std::uint64_t third = key_[2] * kSpread[2];
  std::uint64_t hash = size_ ^ first ^ first >> 32 ^ second ^ second >> 32 ^ third ^ third >> 32;
  hash *= kSpread[0];
  slot_ = hash >> (64 - kSlotBits);
  tag_ = static_cast<std::uint8_t>(hash >> kTagShift);
}

bool PieceCache::Find(const Piece& piece, std::vector<SubwordToken>& tokens) const {
  if (piece.size_ == 0) return false;
  const Slot& slot = (*slots_)[piece.slot_];
  if ((*tags_)[piece.slot_].load(std::memory_order_relaxed) != piece.tag_) {
    __builtin_prefetch(&slot, /*rw=*/1);  // its tokens are made, then put there
    return false;
  }
  // Acquire: nothing below is read before it, and the state again after all of that.
  const std::uint64_t state = slot.state.load(std::memory_order_acquire);
  if ((state & kByteMask) != piece.size_ || (state & kWriting) != 0) return false;
  for (std::size_t i = 0; i < kPieceWords; ++i) {
    if (slot.piece[i].load(std::memory_order_acquire) != piece.key_[i]) return false;
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

void PieceCache::Put(const Piece& piece, const std::vector<SubwordToken>& tokens,
                     std::size_t first) {
  const std::size_t count = tokens.size() - first;
  if (piece.size_ == 0 || count > kMaxTokens) return;
  Tokens known{};
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const SubwordToken& token = tokens[first + i];
    if (token.begin != end) return;  // a character was dropped
    end = token.end;
    known.ids[i] = token.id;
    known.ends[i] = static_cast<std::uint8_t>(end);
  }
  Slot& slot = (*slots_)[piece.slot_];
  std::uint64_t state = slot.state.load(std::memory_order_relaxed);
  if ((state & kWriting) != 0 ||
      !slot.state.compare_exchange_strong(state, state | kWriting, std::memory_order_acq_rel)) {
    return;  // another thread writes
  }
  // Release: a reader that sees one of these sees in the state that it changed.
  const auto words = std::bit_cast<std::array<std::uint64_t, kTokenWords>>(known);
  for (std::size_t i = 0; i < kPieceWords; ++i) {
    slot.piece[i].store(piece.key_[i], std::memory_order_release);
  }
  for (std::size_t i = 0; i < kTokenWords; ++i) {
    slot.tokens[i].store(words[i], std::memory_order_release);
  }
  const std::uint64_t version = (state & ~(kVersion - 1)) + kVersion;
  slot.state.store(version | count << kNumTokensShift | piece.size_, std::memory_order_release);
  (*tags_)[piece.slot_].store(piece.tag_, std::memory_order_relaxed);
}

}  // namespace quire::engine
