#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string_view>

namespace quire {
namespace {

std::string HexDigest(std::string_view text) {
  Sha256 hash;
  // Byte by byte, so that the incremental path is the one under test.
  for (const char& c : text) hash.Update({reinterpret_cast<const std::uint8_t*>(&c), 1});
  const std::string digest = hash.Finish();
  return ToHex({reinterpret_cast<const std::uint8_t*>(digest.data()), digest.size()});
}

// FIPS 180-4 examples.
TEST(Sha256Test, MatchesTheExamplesOfFips180) {
  EXPECT_EQ(HexDigest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexDigest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace quire
