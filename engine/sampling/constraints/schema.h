#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/sampling/constraints/regex.h"

// A JSON schema as a graph: references are edges, so that recursion is a cycle.

namespace quire::engine::constraints {

// An index into SchemaGraph::schemas.
using SchemaId = std::int32_t;

// One of these values: enum, const, and the types that have few.
struct LiteralSchema {
  std::vector<nlohmann::ordered_json> values;
};

struct NumberSchema {
  // Digits after the point of a number with a bound.
  static constexpr int kFractionDigits = 6;

  bool is_integer = false;
  // In units of 1 for integers, else of 10^-kFractionDigits. Without either, any number.
  std::optional<std::int64_t> min;
  std::optional<std::int64_t> max;
};

struct StringSchema {
  std::int32_t min_length = 0;  // in characters
  std::optional<std::int32_t> max_length;
  // Instead of lengths; empty: none.
  std::vector<RegexBranch> pattern;
  bool is_whole = false;  // the pattern is all of the string, not something found in it
};

struct ArraySchema {
  std::vector<SchemaId> prefix;   // of the first items
  std::optional<SchemaId> items;  // of those after; nothing: there are none
  std::int32_t min_items = 0;
  std::optional<std::int32_t> max_items;
};

struct ObjectSchema {
  struct Property {
    std::string name;
    SchemaId schema = 0;
    bool is_required = false;
  };
  std::vector<Property> properties;    // in the order in which they are written
  std::optional<SchemaId> additional;  // of properties of other names; nothing: there are none
};

// Any of these; none: no value at all.
struct UnionSchema {
  std::vector<SchemaId> alternatives;
};

using Schema =
    std::variant<UnionSchema, LiteralSchema, NumberSchema, StringSchema, ArraySchema, ObjectSchema>;

struct SchemaGraph {
  std::vector<Schema> schemas;
  std::vector<bool> is_shared;  // by id: some $ref names it
  SchemaId root = 0;

  const Schema& at(SchemaId id) const { return schemas[static_cast<std::size_t>(id)]; }
};

// The first schema on the way from `id` that is no union of one.
SchemaId SkipAliases(const SchemaGraph& graph, SchemaId id);

}  // namespace quire::engine::constraints
