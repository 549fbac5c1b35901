#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/sampling/constraints/schema.h"

// The keywords of one place of a schema, without its subschemas.

namespace quire::engine::constraints {

using SchemaJson = nlohmann::ordered_json;

// A JSON value of a schema and its place.
struct SchemaPlace {
  const SchemaJson* value = nullptr;
  std::string pointer;  // "#/properties/a"

  // The member `key` of an object, or nothing.
  std::optional<SchemaPlace> Find(std::string_view key) const;
  // The element or member behind it. Requires: it is there.
  SchemaPlace Member(std::string_view key, const SchemaJson& member) const;
  SchemaPlace Element(std::size_t index) const;
  // INVALID_ARGUMENT "`pointer`: `what`".
  Status Error(std::string_view what) const;
};

enum class JsonType { kNull, kBoolean, kInteger, kNumber, kString, kArray, kObject };

// Returns INVALID_ARGUMENT at the first keyword of the object that is not known, or stands beside
// one that must stand alone.
Status CheckKeywords(const SchemaPlace& place);

// The types that a schema without $ref, const, enum and the like allows: "type", else those that
// its keywords are about, else all.
StatusOr<std::vector<JsonType>> AllowedTypes(const SchemaPlace& place);

// The keywords of one type.
StatusOr<NumberSchema> ParseNumber(const SchemaPlace& place, bool is_integer);
StatusOr<StringSchema> ParseString(const SchemaPlace& place);
// minItems and maxItems alone.
StatusOr<ArraySchema> ParseArrayLengths(const SchemaPlace& place);
// The values of const or enum that are of an allowed type.
StatusOr<LiteralSchema> ParseLiterals(const SchemaPlace& place);

}  // namespace quire::engine::constraints
