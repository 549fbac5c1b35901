#include "services/retrieval/call_status.h"

#include <gmock/gmock.h>

#include "retrieval/store/document_store.h"
#include "services/server/error_details.h"
#include "services/server/grpc_status.h"

namespace quire::services {
namespace {

TEST(CallStatusTest, UnavailableSaysWhenToComeBack) {
  const Status status = FromGrpcStatus(ToCallStatus(Unavailable("away")));
  EXPECT_EQ(RetryDelay(status), std::chrono::milliseconds(1'000));
  const Status given = FromGrpcStatus(
      ToCallStatus(WithRetryInfo(Unavailable("away"), std::chrono::milliseconds(30))));
  EXPECT_EQ(RetryDelay(given), std::chrono::milliseconds(30));
}

TEST(CallStatusTest, AFullDiskHasItsReason) {
  EXPECT_EQ(ErrorReason(FromGrpcStatus(ToCallStatus(retrieval::DiskFull("disk")))), kDiskFull);
  EXPECT_EQ(ErrorReason(FromGrpcStatus(ToCallStatus(ResourceExhausted("memory")))), "");
}

TEST(CallStatusTest, WhatIsMissingIsNamed) {
  const grpc::Status status =
      ToCallStatus(NotFound("gone"), kDocumentType, "collections/c/documents/d");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(status.error_details().find("collections/c/documents/d"), std::string::npos);
  EXPECT_TRUE(ToCallStatus(OkStatus(), kDocumentType, "d").ok());
  EXPECT_TRUE(ToCallStatus(InvalidArgument("bad"), kDocumentType, "d").error_details().empty());
}

}  // namespace
}  // namespace quire::services
