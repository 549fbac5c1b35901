#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string_view>

namespace quire {
namespace {

std::span<const std::uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// RFC 3720, appendix B.4.
TEST(Crc32cTest, MatchesTheVectorsOfRfc3720) {
  std::array<std::uint8_t, 32> bytes{};
  EXPECT_EQ(Crc32c(bytes), 0x8A9136AAu);
  bytes.fill(0xFF);
  EXPECT_EQ(Crc32c(bytes), 0x62A8AB43u);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(Crc32c(bytes), 0x46DD794Eu);
  EXPECT_EQ(Crc32c(Bytes("123456789")), 0xE3069283u);
}

TEST(Crc32cTest, ContinuesAcrossAnySplit) {
  const std::string_view text = "the order of the pieces is the order of the text";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    EXPECT_EQ(Crc32c(Bytes(text.substr(split)), Crc32c(Bytes(text.substr(0, split)))),
              Crc32c(Bytes(text)));
  }
}

}  // namespace
}  // namespace quire
