#pragma once

#include "engine/sampling/constraints/nfa.h"
#include "engine/sampling/constraints/schema.h"

namespace quire::engine::constraints {

// How schemas that are used more than once become an automaton.
enum class SchemaReuse {
  // As one rule that every use calls. Small; but where two rules may begin with the same byte, one
  // byte does not tell which to call.
  kCall,
  // As a copy at every use, but for recursion.
  kCopy,
};

// Adds rules that match the JSON texts of `graph`, and returns that of the root. Between the parts
// of a value stands nothing, a space, or a line feed and up to 16 spaces. Properties come in the
// order of the schema. The budget says whether it went well.
RuleId AddSchema(const SchemaGraph& graph, SchemaReuse reuse, Nfa& nfa);

}  // namespace quire::engine::constraints
