#include "engine/kv/block_key.h"

#include <algorithm>
#include <string>

#include "base/sha256.h"

namespace quire::engine {

BlockKey NextBlockKey(const BlockKey& previous, std::span<const TokenId> tokens) {
  Sha256 hash;
  hash.Update(previous.digest);
  hash.Update({reinterpret_cast<const std::uint8_t*>(tokens.data()), tokens.size_bytes()});
  const std::string digest = hash.Finish();
  BlockKey key;
  std::copy(digest.begin(), digest.end(), key.digest.begin());
  return key;
}

}  // namespace quire::engine
