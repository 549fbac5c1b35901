#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace quire::services {

// The page size that a request means: 0 is 50, more than 1,000 is 1,000. Returns INVALID_ARGUMENT
// naming `page_size` if it is negative.
StatusOr<std::int32_t> PageSize(std::int32_t page_size);

// A page of a list ends before this many bytes of messages, so that it fits the 4 MiB that a gRPC
// client takes unless told otherwise.
inline constexpr std::size_t kMaxPageBytes = std::size_t{2} << 20;

// Page tokens say where the next page starts. They are opaque to clients, checksummed, and bound to
// `scope`, what is being listed, so that one list's token is refused by another.
std::string EncodePageToken(std::string_view scope, std::string_view position);
// The position; "" for the empty token. Returns INVALID_ARGUMENT naming `page_token` if it is not
// one of ours for this scope.
StatusOr<std::string> DecodePageToken(std::string_view scope, std::string_view token);

}  // namespace quire::services
