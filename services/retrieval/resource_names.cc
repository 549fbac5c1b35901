#include "services/retrieval/resource_names.h"

#include <algorithm>

#include "services/server/error_details.h"

namespace quire::services {
namespace {

constexpr std::string_view kCollections = "collections/";
constexpr std::string_view kDocuments = "/documents/";
constexpr std::size_t kMaxIdBytes = 128;
constexpr std::size_t kMaxShownBytes = 200;

bool IsIdCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Status BadName(std::string_view field, std::string_view wanted, std::string_view name) {
  return InvalidField(
      field, fmt::format("wanted {}, have \"{}\"", wanted, TruncateText(name, kMaxShownBytes)));
}

}  // namespace

bool IsResourceId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && id.front() != '.' &&
         std::ranges::all_of(id, IsIdCharacter);
}

Status CheckResourceId(std::string_view field, std::string_view id) {
  if (IsResourceId(id)) return OkStatus();
  return BadName(field, "1 to 128 letters, digits, '.', '_' or '-', not starting with '.'", id);
}

std::string CollectionName(std::string_view collection) {
  return std::string(kCollections).append(collection);
}

std::string DocumentName(std::string_view collection, std::string_view document) {
  return CollectionName(collection).append(kDocuments).append(document);
}

StatusOr<std::string> ParseCollectionName(std::string_view field, std::string_view name) {
  if (name.starts_with(kCollections) && IsResourceId(name.substr(kCollections.size()))) {
    return std::string(name.substr(kCollections.size()));
  }
  return BadName(field, "collections/COLLECTION", name);
}

StatusOr<DocumentPath> ParseDocumentName(std::string_view field, std::string_view name) {
  const std::size_t middle = name.find(kDocuments);
  if (name.starts_with(kCollections) && middle != std::string_view::npos) {
    const std::string_view collection =
        name.substr(kCollections.size(), middle - kCollections.size());
    const std::string_view document = name.substr(middle + kDocuments.size());
    if (IsResourceId(collection) && IsResourceId(document)) {
      return DocumentPath{std::string(collection), std::string(document)};
    }
  }
  return BadName(field, "collections/COLLECTION/documents/DOCUMENT", name);
}

}  // namespace quire::services
