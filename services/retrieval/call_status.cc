#include "services/retrieval/call_status.h"

#include "retrieval/store/document_store.h"
#include "services/server/error_details.h"
#include "services/server/grpc_status.h"

namespace quire::services {
namespace {

constexpr std::chrono::milliseconds kRetryDelay{1'000};

}  // namespace

grpc::Status ToCallStatus(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  if (retrieval::IsDiskFull(status)) return ToGrpcStatus(WithErrorInfo(status, kDiskFull, {}));
  if (absl::IsUnavailable(status) && !RetryDelay(status)) {
    return ToGrpcStatus(WithRetryInfo(status, kRetryDelay));
  }
  return ToGrpcStatus(status);
}

grpc::Status ToCallStatus(const Status& status, std::string_view type, std::string_view name) {
  if (absl::IsNotFound(status) || absl::IsAlreadyExists(status)) {
    return ToCallStatus(WithResourceInfo(status, type, name));
  }
  return ToCallStatus(status);
}

}  // namespace quire::services
