#include "engine/kv/block_key.h"

#include <algorithm>
#include <string>

#include "base/sha256.h"

namespace quire::engine {

namespace {

BlockKey FinishKey(Sha256& hash) {
  const std::string digest = hash.Finish();
  BlockKey key;
  std::copy(digest.begin(), digest.end(), key.digest.begin());
  return key;
}

}  // namespace

BlockKey RootBlockKey(std::string_view salt) {
  // The tag keeps roots apart from block keys, whose input begins with a digest.
  const std::string tagged = "cache salt " + std::string(salt);
  Sha256 hash;
  hash.Update({reinterpret_cast<const std::uint8_t*>(tagged.data()), tagged.size()});
  return FinishKey(hash);
}

BlockKey NextBlockKey(const BlockKey& previous, std::span<const TokenId> tokens) {
  Sha256 hash;
  hash.Update(previous.digest);
  hash.Update({reinterpret_cast<const std::uint8_t*>(tokens.data()), tokens.size_bytes()});
  return FinishKey(hash);
}

}  // namespace quire::engine
