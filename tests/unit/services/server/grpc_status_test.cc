#include "services/server/grpc_status.h"

#include <gtest/gtest.h>

#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using quire::testing::IsOk;

TEST(GrpcStatusTest, DetailsSurviveTheRoundTrip) {
  const Status sent = WithResourceInfo(
      WithRetryInfo(ContextLengthExceeded("messages", 7, 5), std::chrono::milliseconds(250)),
      "quire.Thing", "things/1");
  const Status received = FromGrpcStatus(ToGrpcStatus(sent));
  EXPECT_EQ(received, sent);
  EXPECT_EQ(ErrorMetadata(received, "limit"), "5");
  EXPECT_EQ(RetryDelay(received), std::chrono::milliseconds(250));
}

TEST(GrpcStatusTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpcStatus(OkStatus()).ok());
  EXPECT_THAT(FromGrpcStatus(grpc::Status::OK), IsOk());
}

TEST(GrpcStatusTest, InternalErrorsLoseTheirMessage) {
  const grpc::Status wire =
      ToGrpcStatus(WithErrorInfo(Internal("secret path /etc/x"), "X", {{"a", "secret"}}));
  EXPECT_EQ(wire.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(wire.error_message(), "internal error");
  EXPECT_EQ(wire.error_details(), "");
}

TEST(GrpcStatusTest, LongErrorsFitTheMetadataLimitOfClients) {
  const std::string long_text(100'000, 'x');
  Status status = InvalidField(long_text, long_text);
  for (int i = 0; i < 20; ++i) status = WithFieldViolation(status, long_text, long_text);
  const grpc::Status wire = ToGrpcStatus(status);
  EXPECT_LE(wire.error_message().size(), 1100u);
  EXPECT_LE(wire.error_details().size(), 3072u);
}

TEST(GrpcStatusTest, GarbledDetailsAreIgnored) {
  const grpc::Status wire(grpc::StatusCode::NOT_FOUND, "no such thing", "\xff\xff garbage");
  EXPECT_THAT(FromGrpcStatus(wire), FailsWith(absl::StatusCode::kNotFound, "no such thing"));
}

}  // namespace
}  // namespace quire::services
