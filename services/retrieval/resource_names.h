#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

// Resource names of quire.retrieval.v1: collections/{collection} and
// collections/{collection}/documents/{document}. `field` names the request's field in errors, which
// are INVALID_ARGUMENT with a BadRequest violation.

namespace quire::services {

// 1 to 128 characters out of letters, digits, '.', '_', '-', not starting with '.'.
bool IsResourceId(std::string_view id);
// OK if `id` is one.
Status CheckResourceId(std::string_view field, std::string_view id);

std::string CollectionName(std::string_view collection);
std::string DocumentName(std::string_view collection, std::string_view document);

struct DocumentPath {
  std::string collection;
  std::string document;
};

// The collection's id.
StatusOr<std::string> ParseCollectionName(std::string_view field, std::string_view name);
StatusOr<DocumentPath> ParseDocumentName(std::string_view field, std::string_view name);

}  // namespace quire::services
