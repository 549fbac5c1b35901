#include "services/server/error_details.h"

#include <algorithm>
#include <optional>

#include "base/utf8.h"
#include "google/rpc/error_details.pb.h"

namespace quire::services {
namespace {

// Details travel in metadata, which clients limit to 8 KiB in all: text that a client sent may be
// quoted, but not at any length.
constexpr std::size_t kMaxTextBytes = 400;
constexpr int kMaxViolations = 8;

template <typename Detail>
std::string TypeUrl() {
  return "type.googleapis.com/" + Detail::descriptor()->full_name();
}

template <typename Detail>
std::optional<Detail> Get(const Status& status) {
  const auto payload = status.GetPayload(TypeUrl<Detail>());
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

template <typename Detail>
Status With(Status status, const Detail& detail) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
  return status;
}

}  // namespace

std::string TruncateText(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  std::size_t end = max_bytes;
  while (end > 0 && IsUtf8Continuation(text[end])) --end;
  return std::string(text.substr(0, end)) + "...";
}

Status WithFieldViolation(Status status, std::string_view field, std::string_view description) {
  if (status.ok()) return status;
  auto bad_request = Get<google::rpc::BadRequest>(status).value_or(google::rpc::BadRequest());
  if (bad_request.field_violations_size() >= kMaxViolations) return status;
  auto* violation = bad_request.add_field_violations();
  violation->set_field(TruncateText(field, kMaxTextBytes));
  violation->set_description(TruncateText(description, kMaxTextBytes));
  return With(std::move(status), bad_request);
}

Status InvalidField(std::string_view field, std::string_view description) {
  return WithFieldViolation(InvalidArgument("{}: {}", field, description), field, description);
}

std::vector<FieldViolation> FieldViolations(const Status& status) {
  std::vector<FieldViolation> violations;
  if (const auto bad_request = Get<google::rpc::BadRequest>(status)) {
    for (const auto& violation : bad_request->field_violations()) {
      violations.push_back({violation.field(), violation.description()});
    }
  }
  return violations;
}

Status WithErrorInfo(Status status, std::string_view reason,
                     const std::map<std::string, std::string>& metadata) {
  if (status.ok()) return status;
  google::rpc::ErrorInfo error_info;
  error_info.set_reason(std::string(reason));
  error_info.set_domain("quire");
  for (const auto& [key, value] : metadata) {
    (*error_info.mutable_metadata())[key] = TruncateText(value, kMaxTextBytes);
  }
  return With(std::move(status), error_info);
}

std::string ErrorReason(const Status& status) {
  const auto error_info = Get<google::rpc::ErrorInfo>(status);
  return error_info ? error_info->reason() : "";
}

std::string ErrorMetadata(const Status& status, const std::string& key) {
  const auto error_info = Get<google::rpc::ErrorInfo>(status);
  if (!error_info) return "";
  const auto entry = error_info->metadata().find(key);
  return entry == error_info->metadata().end() ? "" : entry->second;
}

Status WithRetryInfo(Status status, std::chrono::milliseconds delay) {
  if (status.ok()) return status;
  google::rpc::RetryInfo retry_info;
  retry_info.mutable_retry_delay()->set_seconds(delay.count() / 1000);
  retry_info.mutable_retry_delay()->set_nanos(static_cast<int>(delay.count() % 1000) * 1'000'000);
  return With(std::move(status), retry_info);
}

std::optional<std::chrono::milliseconds> RetryDelay(const Status& status) {
  const auto retry_info = Get<google::rpc::RetryInfo>(status);
  if (!retry_info) return std::nullopt;
  const auto& delay = retry_info->retry_delay();
  return std::chrono::milliseconds(delay.seconds() * 1000 + delay.nanos() / 1'000'000);
}

Status WithResourceInfo(Status status, std::string_view type, std::string_view name) {
  if (status.ok()) return status;
  google::rpc::ResourceInfo resource_info;
  resource_info.set_resource_type(std::string(type));
  resource_info.set_resource_name(TruncateText(name, kMaxTextBytes));
  return With(std::move(status), resource_info);
}

Status ContextLengthExceeded(std::string_view field, std::int64_t tokens, std::int64_t limit) {
  const std::string description = fmt::format("wanted at most {} tokens, have {}", limit, tokens);
  return WithErrorInfo(InvalidField(field, description), kContextLengthExceeded,
                       {{"tokens", std::to_string(tokens)}, {"limit", std::to_string(limit)}});
}

}  // namespace quire::services
