#include "services/cli/resource_names.h"

#include <string_view>

namespace quire::services::cli {

std::string CollectionName(const std::string& name) {
  constexpr std::string_view kPrefix = "collections/";
  return name.starts_with(kPrefix) ? name : std::string(kPrefix) + name;
}

std::string DocumentName(const std::string& collection, const std::string& id) {
  return CollectionName(collection) + "/documents/" + id;
}

std::string LastSegment(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace quire::services::cli
