#include "services/server/grpc_status.h"

#include "base/log.h"
#include "google/rpc/status.pb.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

// Message and details share the 8 KiB of trailing metadata that clients accept by default; a
// message can grow threefold by percent-encoding, details grow by a third in base64.
constexpr std::size_t kMaxMessageBytes = 1024;
constexpr std::size_t kMaxDetailsBytes = 3072;

std::string SerializeDetails(const Status& status, const std::string& message) {
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(message);
  bool has_details = false;
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    auto* detail = wire.add_details();
    detail->set_type_url(std::string(type));
    detail->set_value(std::string(payload));
    if (wire.ByteSizeLong() > kMaxDetailsBytes) {
      wire.mutable_details()->RemoveLast();
    } else {
      has_details = true;
    }
  });
  return has_details ? wire.SerializeAsString() : "";
}

}  // namespace

grpc::Status ToGrpcStatus(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  if (absl::IsInternal(status) || absl::IsUnknown(status)) {
    log::Error("internal error: {}", Message(status));
    return {code, "internal error"};
  }
  const std::string message = TruncateText(Message(status), kMaxMessageBytes);
  return {code, message, SerializeDetails(status, message)};
}

Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return OkStatus();
  Status result(static_cast<absl::StatusCode>(status.error_code()), ToAbsl(status.error_message()));
  google::rpc::Status wire;
  if (!wire.ParseFromString(status.error_details())) return result;
  for (const auto& detail : wire.details()) {
    result.SetPayload(ToAbsl(detail.type_url()), absl::Cord(detail.value()));
  }
  return result;
}

}  // namespace quire::services
