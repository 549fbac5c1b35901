#pragma once

#include <string>
#include <vector>

#include "base/sha256.h"

namespace quire::testing {

// The first 12 hexadecimal digits of the SHA-256 of `parts`, joined by commas.
inline std::string Digest(const std::vector<std::string>& parts) {
  std::string list;
  for (const std::string& part : parts) list += (&part == parts.data() ? "" : ",") + part;
  const auto bytes = [](const std::string& text) {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  Sha256 hash;
  hash.Update(bytes(list));
  return ToHex(bytes(hash.Finish())).substr(0, 12);
}

}  // namespace quire::testing
