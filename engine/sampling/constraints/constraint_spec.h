#pragma once

#include <string>
#include <variant>
#include <vector>

namespace quire::engine {

// The output is one of these strings. 1 to 1,024, each UTF-8 and not empty, 64 KiB in all.
struct ChoiceConstraint {
  std::vector<std::string> choices;
};

// The whole output matches this expression. At most 8 KiB.
struct RegexConstraint {
  std::string pattern;
};

// The output is JSON that this schema accepts. At most 64 KiB. {"type": "object"} is any object.
struct JsonSchemaConstraint {
  std::string schema;
};

// What a request's output must be. engine/sampling/constraints/README.md says which expressions
// and schemas are known. std::monostate: anything.
using ConstraintSpec =
    std::variant<std::monostate, ChoiceConstraint, RegexConstraint, JsonSchemaConstraint>;

}  // namespace quire::engine
