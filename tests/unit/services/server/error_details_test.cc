#include "services/server/error_details.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using quire::testing::IsOk;

TEST(ErrorDetailsTest, InvalidFieldNamesFieldInMessageAndViolation) {
  const Status status = InvalidField("sampling.top_p", "wanted (0, 1], have 2");
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kInvalidArgument,
                                "sampling.top_p: wanted (0, 1], have 2"));
  const auto violations = FieldViolations(status);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field, "sampling.top_p");
  EXPECT_EQ(violations[0].description, "wanted (0, 1], have 2");
}

TEST(ErrorDetailsTest, ViolationsAddUpToEight) {
  Status status = InvalidField("field0", "bad");
  for (int i = 1; i < 20; ++i)
    status = WithFieldViolation(status, fmt::format("field{}", i), "bad");
  const auto violations = FieldViolations(status);
  ASSERT_EQ(violations.size(), 8u);
  EXPECT_EQ(violations[7].field, "field7");
}

TEST(ErrorDetailsTest, ContextLengthExceededCarriesTokensAndLimit) {
  const Status status = ContextLengthExceeded("prompt", 600, 512);
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kInvalidArgument, "600"));
  EXPECT_EQ(ErrorReason(status), kContextLengthExceeded);
  EXPECT_EQ(ErrorMetadata(status, "tokens"), "600");
  EXPECT_EQ(ErrorMetadata(status, "limit"), "512");
  EXPECT_EQ(ErrorMetadata(status, "other"), "");
}

TEST(ErrorDetailsTest, RetryDelayComesBackToTheMillisecond) {
  const Status status = WithRetryInfo(Unavailable("away"), std::chrono::milliseconds(12'345));
  EXPECT_EQ(RetryDelay(status), std::chrono::milliseconds(12'345));
  EXPECT_EQ(RetryDelay(Unavailable("away")), std::nullopt);
}

TEST(ErrorDetailsTest, OkStatusTakesNoDetails) {
  const Status status = WithErrorInfo(
      WithRetryInfo(WithFieldViolation(OkStatus(), "a", "b"), std::chrono::milliseconds(1)), "X",
      {});
  EXPECT_THAT(status, IsOk());
  EXPECT_EQ(ErrorReason(status), "");
  EXPECT_TRUE(FieldViolations(status).empty());
}

TEST(ErrorDetailsTest, TruncateTextKeepsCharactersWhole) {
  EXPECT_EQ(TruncateText("abcdef", 6), "abcdef");
  EXPECT_EQ(TruncateText("abcdef", 3), "abc...");
  EXPECT_EQ(TruncateText("a\u20ACb", 3), "a...");  // the euro sign takes three bytes
  EXPECT_EQ(TruncateText("a\u20ACb", 4), "a\u20AC...");
}

}  // namespace
}  // namespace quire::services
