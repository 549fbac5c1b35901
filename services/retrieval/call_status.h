#pragma once

#include <grpcpp/support/status.h>

#include "base/status.h"

namespace quire::services {

// The end of a call: a library's error with the details that a client can act on. UNAVAILABLE gets
// RetryInfo if it has none, a full disk ErrorInfo DISK_FULL.
grpc::Status ToCallStatus(const Status& status);

// The same, NOT_FOUND and ALREADY_EXISTS with ResourceInfo. `type` is a message of
// quire.retrieval.v1, `name` the resource's name in the request.
grpc::Status ToCallStatus(const Status& status, std::string_view type, std::string_view name);

inline constexpr std::string_view kCollectionType = "quire.retrieval.v1.Collection";
inline constexpr std::string_view kDocumentType = "quire.retrieval.v1.Document";

}  // namespace quire::services
