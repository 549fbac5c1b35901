#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

// google.rpc error details as payloads of an absl::Status. ToGrpcStatus writes them to the wire,
// FromGrpcStatus reads them back. Adding one to an OK status does nothing.

namespace quire::services {

// BadRequest: which field, as a path ("sampling.temperature"), and what is wrong with it. Several
// violations add up.
Status WithFieldViolation(Status status, std::string_view field, std::string_view description);
// INVALID_ARGUMENT "`field`: `description`" with its violation.
Status InvalidField(std::string_view field, std::string_view description);
struct FieldViolation {
  std::string field;
  std::string description;
};
// The violations of the BadRequest, in the order they were added; at most 8 are kept.
std::vector<FieldViolation> FieldViolations(const Status& status);

// ErrorInfo with domain "quire". Reasons are constants below.
Status WithErrorInfo(Status status, std::string_view reason,
                     const std::map<std::string, std::string>& metadata);
// The reason of the ErrorInfo, or "".
std::string ErrorReason(const Status& status);
// A metadata value of the ErrorInfo, or "".
std::string ErrorMetadata(const Status& status, const std::string& key);

// RetryInfo: wait at least this long before trying again.
Status WithRetryInfo(Status status, std::chrono::milliseconds delay);
// The delay of the RetryInfo, or nothing.
std::optional<std::chrono::milliseconds> RetryDelay(const Status& status);

// ResourceInfo, e.g. type "quire.retrieval.v1.Document" and its resource name.
Status WithResourceInfo(Status status, std::string_view type, std::string_view name);

// `field`'s prompt does not fit: INVALID_ARGUMENT with BadRequest and ErrorInfo
// CONTEXT_LENGTH_EXCEEDED {tokens, limit}.
Status ContextLengthExceeded(std::string_view field, std::int64_t tokens, std::int64_t limit);

// The first `max_bytes` bytes of `text` and "...", without splitting a character; all of it if it
// is no longer.
std::string TruncateText(std::string_view text, std::size_t max_bytes);

// The model's files are missing, damaged or of a kind we do not have; programs exit with 6.
inline constexpr std::string_view kBadModelFile = "BAD_MODEL_FILE";
inline constexpr std::string_view kContextLengthExceeded = "CONTEXT_LENGTH_EXCEEDED";
inline constexpr std::string_view kChunkChecksum = "CHUNK_CHECKSUM";
inline constexpr std::string_view kChunkOffset = "CHUNK_OFFSET";
inline constexpr std::string_view kQueueFull = "QUEUE_FULL";
inline constexpr std::string_view kTooManyCalls = "TOO_MANY_CALLS";
inline constexpr std::string_view kDiskFull = "DISK_FULL";
inline constexpr std::string_view kModelLoading = "MODEL_LOADING";
inline constexpr std::string_view kShuttingDown = "SHUTTING_DOWN";

}  // namespace quire::services
