#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/sampling/constraints/schema.h"

// What can be wrong with a schema as a whole.

namespace quire::engine::constraints {

// A oneOf: its place and alternatives.
struct ExclusiveUnion {
  std::string pointer;
  std::vector<SchemaId> alternatives;
};

// Returns INVALID_ARGUMENT if a union contains itself without a value in between ("$ref": "#"): no
// text would ever decide it. `pointers`: by id, "" where a schema has no place.
Status CheckUnions(const SchemaGraph& graph, std::span<const std::string> pointers);

// Returns INVALID_ARGUMENT unless no value fits two alternatives of a union: they differ in type,
// in their literals, or in the literals of a property that both require. Then oneOf is anyOf.
Status CheckExclusive(const SchemaGraph& graph, std::span<const ExclusiveUnion> unions);

}  // namespace quire::engine::constraints
