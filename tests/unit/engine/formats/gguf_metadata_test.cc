#include "engine/formats/gguf_metadata.h"

#include <gmock/gmock.h>

#include <bit>
#include <limits>

#include "tests/support/gguf_writer.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::GgufWriter;
using testing::kInvalid;

class GgufMetadataTest : public ::testing::Test {
 protected:
  // One key, "k".
  const GgufMetadata& With(GgufValueType type, const std::string& value) {
    return Read(GgufWriter().Raw("k", type, value));
  }
  const GgufMetadata& Read(const GgufWriter& writer) {
    constexpr std::size_t kHeaderBytes = 24;
    bytes_ = writer.Bytes().substr(kHeaderBytes);
    GgufReader reader({reinterpret_cast<const std::uint8_t*>(bytes_.data()), bytes_.size()});
    metadata_.emplace(*GgufMetadata::Read(reader, 1, "file"));
    return *metadata_;
  }

  std::string bytes_;
  std::optional<GgufMetadata> metadata_;
};

TEST_F(GgufMetadataTest, IntegersOfAnyWidthAreReadWithinTheirRange) {
  const auto integer = [&](GgufValueType type, std::uint64_t value, int bytes) {
    return With(type, GgufWriter::Number(value, bytes)).Integer("k", -10, 1000);
  };
  EXPECT_EQ(**integer(GgufValueType::kU8, 200, 1), 200);
  EXPECT_EQ(**integer(GgufValueType::kI8, 0xFF, 1), -1);
  EXPECT_EQ(**integer(GgufValueType::kI16, 0xFFF6, 2), -10);
  EXPECT_EQ(**integer(GgufValueType::kU32, 1000, 4), 1000);
  EXPECT_EQ(**integer(GgufValueType::kI32, ~0ull, 4), -1);
  EXPECT_EQ(**integer(GgufValueType::kU64, 7, 8), 7);
  EXPECT_EQ(**integer(GgufValueType::kI64, ~0ull, 8), -1);
  EXPECT_THAT(integer(GgufValueType::kU32, 1001, 4).status(),
              FailsWith(kInvalid, "file: k: wanted an integer in [-10, 1000], have the u32 1001"));
  EXPECT_THAT(integer(GgufValueType::kU64, ~0ull, 8).status(),
              FailsWith(kInvalid, "have the u64 18446744073709551615"));
  EXPECT_THAT(integer(GgufValueType::kF32, 0, 4).status(), FailsWith(kInvalid, "have the f32 0"));
  EXPECT_THAT(integer(GgufValueType::kBool, 1, 1).status(),
              FailsWith(kInvalid, "have the bool true"));
  EXPECT_EQ(*metadata_->Integer("absent", 0, 1), std::nullopt);
}

TEST_F(GgufMetadataTest, NumbersAreFinite) {
  const auto number = [&](float value) {
    return With(GgufValueType::kF32, GgufWriter::Number(std::bit_cast<std::uint32_t>(value), 4))
        .Number("k");
  };
  EXPECT_EQ(**number(1.5f), 1.5);
  EXPECT_THAT(number(std::numeric_limits<float>::quiet_NaN()).status(),
              FailsWith(kInvalid, "wanted a finite number"));
  EXPECT_THAT(number(std::numeric_limits<float>::infinity()).status(),
              FailsWith(kInvalid, "wanted a finite number"));
  EXPECT_EQ(**Read(GgufWriter().U32("k", 3)).Number("k"), 3.0);
  EXPECT_THAT(Read(GgufWriter().String("k", "3")).Number("k").status(),
              FailsWith(kInvalid, "have the string 3"));
}

TEST_F(GgufMetadataTest, ArraysAreReadByTheirElements) {
  EXPECT_THAT(*Read(GgufWriter().Strings("k", {"a", "", "b"})).Strings("k"),
              ElementsAre("a", "", "b"));
  EXPECT_THAT(metadata_->Floats("k").status(),
              FailsWith(kInvalid, "wanted an array of numbers, have an array of 3 string"));
  EXPECT_THAT(*Read(GgufWriter().I32s("k", {1, -2})).Integers("k"), ElementsAre(1, -2));
  EXPECT_THAT(*metadata_->Floats("k"), ElementsAre(1.0f, -2.0f));
  EXPECT_THAT(metadata_->Strings("k").status(), FailsWith(kInvalid, "an array of 2 i32"));
  EXPECT_THAT(*Read(GgufWriter().Floats("k", {0.5f})).Floats("k"), ElementsAre(0.5f));
  EXPECT_THAT(metadata_->Integers("k").status(), FailsWith(kInvalid, "an array of integers"));
  EXPECT_EQ(*Read(GgufWriter().Array("k", GgufValueType::kU8, 2, "xy")).Bytes("k"), "xy");
  EXPECT_THAT(*metadata_->Strings("absent"), ElementsAre());
}

TEST_F(GgufMetadataTest, ValuesAreDescribedOnOneLine) {
  const auto text = [&](const GgufWriter& writer) {
    return DescribeGgufValue(*Read(writer).Find("k"));
  };
  EXPECT_EQ(text(GgufWriter().String("k", "a\nb\x1b")), "a\\x0ab\\x1b");
  EXPECT_EQ(text(GgufWriter().String("k", std::string(100, 'x'))), std::string(60, 'x') + "...");
  EXPECT_EQ(text(GgufWriter().Bool("k", false)), "false");
  EXPECT_EQ(text(GgufWriter().F32("k", 0.5f)), "0.5");
  EXPECT_EQ(text(GgufWriter().I32s("k", {1, 2, 3, 4, 5})), "[1, 2, 3, 4, ...]");
  EXPECT_EQ(text(GgufWriter().Strings("k", {"a"})), "[a]");
}

}  // namespace
}  // namespace quire::engine
