#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Names what a full KV block holds: its tokens and all before them, since keys and values depend on
// both. A SHA-256 chain, so that two prefixes never share a name by accident or by design.
struct BlockKey {
  std::array<std::uint8_t, 32> digest{};

  friend bool operator==(const BlockKey&, const BlockKey&) = default;
};

struct BlockKeyHash {
  std::size_t operator()(const BlockKey& key) const {
    std::size_t hash;
    std::memcpy(&hash, key.digest.data(), sizeof(hash));
    return hash;
  }
};

// What the first block of a sequence follows. Prefixes under different salts never share blocks, so
// that nobody learns from the speed of an answer what others asked; the empty salt is one of them.
BlockKey RootBlockKey(std::string_view salt);

// The key of the block that holds `tokens` behind the block named `previous`.
BlockKey NextBlockKey(const BlockKey& previous, std::span<const TokenId> tokens);

}  // namespace quire::engine
