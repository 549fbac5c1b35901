#include "services/retrieval/paging.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "base/crc32c.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

constexpr std::int32_t kDefaultPageSize = 50;
constexpr std::int32_t kMaxPageSize = 1'000;
constexpr std::size_t kChecksumDigits = 8;

std::uint32_t Checksum(std::string_view scope, std::string_view position) {
  std::string bytes(scope);
  bytes.push_back('\0');
  bytes.append(position);
  return Crc32c({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace

StatusOr<std::int32_t> PageSize(std::int32_t page_size) {
  if (page_size < 0) {
    return InvalidField("page_size", fmt::format("wanted 0 or more, have {}", page_size));
  }
  return page_size == 0 ? kDefaultPageSize : std::min(page_size, kMaxPageSize);
}

// Positions are made of ids and numbers, which are fit for a token as they are.
std::string EncodePageToken(std::string_view scope, std::string_view position) {
  return fmt::format("{:08x}{}", Checksum(scope, position), position);
}

StatusOr<std::string> DecodePageToken(std::string_view scope, std::string_view token) {
  if (token.empty()) return std::string();
  const std::string_view position = token.substr(std::min(kChecksumDigits, token.size()));
  if (!position.empty() && token == EncodePageToken(scope, position)) return std::string(position);
  return InvalidField("page_token", "wanted the next_page_token of the same list, have another");
}

}  // namespace quire::services
