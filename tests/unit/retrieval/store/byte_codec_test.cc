#include "retrieval/store/byte_codec.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <limits>

namespace quire::retrieval {
namespace {

TEST(ByteCodecTest, ValuesGoThereAndBack) {
  constexpr std::uint64_t kUnsigned[] = {
      0, 1, 127, 128, 300, std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max()};
  constexpr std::int64_t kSigned[] = {0,
                                      -1,
                                      1,
                                      -64,
                                      64,
                                      std::numeric_limits<std::int64_t>::min(),
                                      std::numeric_limits<std::int64_t>::max()};
  ByteWriter writer;
  for (const auto value : kUnsigned) writer.PutUnsigned(value);
  for (const auto value : kSigned) writer.PutSigned(value);
  writer.PutString(std::string("a\0b", 3));
  writer.PutString("");
  writer.PutBigEndian(0x0102030405060708u);
  const std::string bytes = writer.Take();

  ByteReader reader(bytes);
  for (const auto value : kUnsigned) EXPECT_EQ(reader.GetUnsigned(), value);
  for (const auto value : kSigned) EXPECT_EQ(reader.GetSigned(), value);
  EXPECT_EQ(reader.GetString(), std::string("a\0b", 3));
  EXPECT_EQ(reader.GetString(), "");
  EXPECT_EQ(reader.GetBigEndian(), 0x0102030405060708u);
  EXPECT_TRUE(reader.AtEnd());
}

TEST(ByteCodecTest, BigEndianNumbersSortAsTheyCount) {
  const auto key = [](std::uint64_t value) {
    ByteWriter writer;
    writer.PutBigEndian(value);
    return writer.Take();
  };
  EXPECT_LT(key(255), key(256));
  EXPECT_LT(key(1), key(std::uint64_t{1} << 63));
}

TEST(ByteCodecTest, TruncatedBytesFailOnceAndForAll) {
  ByteWriter writer;
  writer.PutString("twelve bytes");
  const std::string bytes = writer.Take();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    ByteReader reader(std::string_view(bytes).substr(0, length));
    EXPECT_EQ(reader.GetString(), "");
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.GetUnsigned(), 0u);
    EXPECT_FALSE(reader.AtEnd());
  }
}

TEST(ByteCodecTest, ALengthBeyondTheBytesAllocatesNothing) {
  ByteWriter writer;
  writer.PutUnsigned(std::uint64_t{1} << 60);
  const std::string bytes = writer.Take();
  ByteReader reader(bytes);
  EXPECT_EQ(reader.GetCount(), 0u);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteCodecTest, NumbersThatDoNotFitFail) {
  ByteReader too_long(std::string_view("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 10));
  EXPECT_EQ(too_long.GetUnsigned(), 0u);
  EXPECT_FALSE(too_long.ok());
  ByteWriter writer;
  writer.PutSigned(std::int64_t{1} << 31);
  const std::string bytes = writer.Take();
  ByteReader too_wide(bytes);
  EXPECT_EQ(too_wide.GetInt32(), 0);
  EXPECT_FALSE(too_wide.ok());
}

}  // namespace
}  // namespace quire::retrieval
