#include "base/status.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire {
namespace {

using testing::FailsWith;

StatusOr<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("value: wanted an even number, have {}", value);
  return value / 2;
}

StatusOr<int> Quarter(int value) {
  QUIRE_ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

Status CheckEven(int value) {
  QUIRE_RETURN_IF_ERROR(Half(value).status());
  return OkStatus();
}

TEST(StatusTest, AssignOrReturnPassesValuesAndErrors) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_THAT(Quarter(6), FailsWith(absl::StatusCode::kInvalidArgument, "have 3"));
  EXPECT_THAT(Quarter(7), FailsWith(absl::StatusCode::kInvalidArgument, "have 7"));
}

TEST(StatusTest, ReturnIfErrorStopsAtTheFirstError) {
  EXPECT_TRUE(CheckEven(2).ok());
  EXPECT_FALSE(CheckEven(3).ok());
}

TEST(StatusTest, MessagesAreOneLineWhateverTheyQuote) {
  const Status quotes = InvalidArgument("key {}: not known", "a\nb\r\tc\x1b[1md\u00e9");
  EXPECT_EQ(Message(quotes), "key a b  c [1md\u00e9: not known");
  EXPECT_EQ(Message(Annotate(quotes, "two\nlines")), "two lines: key a b  c [1md\u00e9: not known");
}

TEST(StatusTest, AnnotateKeepsCodeAndPayload) {
  Status status = NotFound("no such file");
  status.SetPayload("type", absl::Cord("detail"));
  const Status annotated = Annotate(status, "model.safetensors");
  EXPECT_THAT(annotated, FailsWith(absl::StatusCode::kNotFound, "model.safetensors: no such file"));
  EXPECT_TRUE(annotated.GetPayload("type").has_value());
  EXPECT_TRUE(Annotate(OkStatus(), "anything").ok());
}

}  // namespace
}  // namespace quire
