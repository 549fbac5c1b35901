#pragma once

#include <string>

// Names of collections and documents, as the retrieval API writes them.

namespace quire::services::cli {

// "collections/NAME", where `name` may have that form already.
std::string CollectionName(const std::string& name);
// "collections/C/documents/ID".
std::string DocumentName(const std::string& collection, const std::string& id);
// What follows the last '/' of a resource name.
std::string LastSegment(const std::string& name);

}  // namespace quire::services::cli
