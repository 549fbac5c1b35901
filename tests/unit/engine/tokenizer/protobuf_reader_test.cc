#include "engine/tokenizer/protobuf_reader.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using ::quire::testing::FailsWith;
using quire::testing::kInvalid;

TEST(ProtobufReaderTest, ReadsFieldsOfEveryKind) {
  const std::string_view message("\x08\x96\x01\x12\x02hi\x1D\x00\x00\x80\x3F\x21\x01\0\0\0\0\0\0\0",
                                 21);
  ProtobufReader reader(message, "message");
  auto field = *reader.Next();
  EXPECT_EQ(field->number, 1u);
  EXPECT_EQ(field->Int32(), 150);
  EXPECT_EQ(field->Bool(), true);
  EXPECT_FALSE(field->Bytes() || field->Float());
  field = *reader.Next();
  EXPECT_EQ(field->Bytes(), "hi");
  EXPECT_FALSE(field->Int32() || field->Bool());
  field = *reader.Next();
  EXPECT_EQ(field->Float(), 1.0f);
  field = *reader.Next();
  EXPECT_EQ(field->value, 1u);
  EXPECT_EQ(*reader.Next(), std::nullopt);
}

TEST(ProtobufReaderTest, NegativeNumbersTakeTenBytes) {
  ProtobufReader reader("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "message");
  EXPECT_EQ((*reader.Next())->Int32(), -1);
}

TEST(ProtobufReaderTest, MalformedMessagesAreRefused) {
  const auto fails = [](std::string_view message, std::string_view why) {
    ProtobufReader reader(message, "message");
    EXPECT_THAT(reader.Next().status(), FailsWith(kInvalid, std::string(why)));
  };
  fails("\x08", "cut short");
  fails("\x08\xFF", "cut short");
  fails("\x12\x05hi", "wanted 5 bytes, have 2");
  fails("\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "wanted 18446744073709551615 bytes");
  fails("\x1D\x01", "cut short");
  fails("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "at most 10 bytes");
  fails("\x0B", "wire type");
  fails(std::string_view("\0", 1), "field number");
}

}  // namespace
}  // namespace quire::engine
