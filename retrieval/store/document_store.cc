#include "retrieval/store/document_store.h"

#include "absl/strings/cord.h"

namespace quire::retrieval {
namespace {

constexpr const char* kDiskFullPayload = "quire/disk-full";

}  // namespace

bool IsDiskFull(const Status& status) { return status.GetPayload(kDiskFullPayload).has_value(); }

Status DiskFull(const std::string& message) {
  Status status = ResourceExhausted("{}", message);
  status.SetPayload(kDiskFullPayload, absl::Cord());
  return status;
}

}  // namespace quire::retrieval
