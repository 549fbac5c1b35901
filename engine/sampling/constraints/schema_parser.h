#pragma once

#include <string_view>

#include "base/status.h"
#include "engine/sampling/constraints/schema.h"

namespace quire::engine::constraints {

// Reads a JSON schema; README.md lists the keywords. Returns INVALID_ARGUMENT that begins with the
// place as a JSON pointer ("#/properties/a/not: ...") if it is no JSON, nested deeper than 64, or
// uses a keyword or a combination that is not supported, so that nothing is dropped silently.
// No union of the graph contains itself without a value in between.
StatusOr<SchemaGraph> ParseSchema(std::string_view text);

}  // namespace quire::engine::constraints
