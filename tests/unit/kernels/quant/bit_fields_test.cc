#include "kernels/quant/bit_fields.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace quire::kernels {
namespace {

TEST(BitFieldsTest, SpreadFieldsAreTheFieldsOneByOne) {
  std::mt19937_64 random(1);
  for (int bits = 1; bits <= 8; ++bits) {
    for (int round = 0; round < 50; ++round) {
      const std::uint64_t fields = random();
      const std::uint64_t spread = SpreadFields(fields, bits);
      for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(spread >> (8 * i) & 0xFF, fields >> (bits * i) & ((1u << bits) - 1))
            << "field " << i << " of " << bits << " bits";
      }
    }
  }
}

TEST(BitFieldsTest, ATransposedSquareHasRowsForColumns) {
  std::mt19937_64 random(2);
  Bytes8x8 rows;
  for (std::uint64_t& row : rows) row = random();
  Bytes8x8 transposed = rows;
  Transpose(transposed);
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      EXPECT_EQ(transposed[i] >> (8 * j) & 0xFF, rows[j] >> (8 * i) & 0xFF);
    }
  }
}

}  // namespace
}  // namespace quire::kernels
