#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "tests/support/pcre2_oracle.h"

namespace quire::testing {

// Says whether a value is valid by a schema, as JSON Schema 2020-12 defines it, for the keywords
// that constraints know. Shares no code with them. Requires: the schema is well formed.
class JsonSchemaValidator {
 public:
  using Json = nlohmann::json;

  explicit JsonSchemaValidator(const Json& root) : root_(root) {}

  bool IsValid(const Json& value) const { return IsValid(root_, value); }

 private:
  bool IsValid(const Json& schema, const Json& value) const {
    if (schema.is_boolean()) return schema.get<bool>();
    if (schema.contains("$ref")) return IsValid(Target(schema["$ref"]), value);
    if (schema.contains("const") && schema["const"] != value) return false;
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
      return false;
    }
    return IsOfType(schema, value) && FitsCombinations(schema, value) &&
           (!value.is_number() || IsInRange(schema, value)) &&
           (!value.is_string() || FitsString(schema, value.get<std::string>())) &&
           (!value.is_array() || FitsArray(schema, value)) &&
           (!value.is_object() || FitsObject(schema, value));
  }

  const Json& Target(const std::string& reference) const {
    return root_.at(Json::json_pointer(reference.substr(1)));
  }

  static bool IsNamed(const std::string& type, const Json& value) {
    if (type == "null") return value.is_null();
    if (type == "boolean") return value.is_boolean();
    if (type == "string") return value.is_string();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    if (type == "number") return value.is_number();
    return value.is_number() && std::floor(value.get<double>()) == value.get<double>();
  }

  static bool IsOfType(const Json& schema, const Json& value) {
    if (!schema.contains("type")) return true;
    const Json& type = schema["type"];
    if (type.is_string()) return IsNamed(type, value);
    return std::any_of(type.begin(), type.end(),
                       [&](const Json& name) { return IsNamed(name, value); });
  }

  bool FitsCombinations(const Json& schema, const Json& value) const {
    const auto count = [&](const char* key) {
      return std::count_if(schema[key].begin(), schema[key].end(),
                           [&](const Json& part) { return IsValid(part, value); });
    };
    if (schema.contains("anyOf") && count("anyOf") == 0) return false;
    if (schema.contains("oneOf") && count("oneOf") != 1) return false;
    return !schema.contains("allOf") || count("allOf") == std::ssize(schema["allOf"]);
  }

  static bool IsInRange(const Json& schema, const Json& value) {
    // Integers are compared as such: a double holds 53 bits of them.
    return (!schema.contains("minimum") || value >= schema["minimum"]) &&
           (!schema.contains("maximum") || value <= schema["maximum"]) &&
           (!schema.contains("exclusiveMinimum") || value > schema["exclusiveMinimum"]) &&
           (!schema.contains("exclusiveMaximum") || value < schema["exclusiveMaximum"]);
  }

  static bool FitsString(const Json& schema, const std::string& value) {
    const std::size_t length = CountUtf8Characters(value);
    if (length < schema.value("minLength", std::size_t{0})) return false;
    if (length > schema.value("maxLength", value.size())) return false;
    if (!schema.contains("pattern")) return true;
    return Pcre2Oracle(schema["pattern"].get<std::string>()).Finds(value).value_or(false);
  }

  bool FitsArray(const Json& schema, const Json& value) const {
    if (value.size() < schema.value("minItems", std::size_t{0})) return false;
    if (value.size() > schema.value("maxItems", value.size())) return false;
    const Json prefix = schema.value("prefixItems", Json::array());
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i < prefix.size()) {
        if (!IsValid(prefix[i], value[i])) return false;
      } else if (schema.contains("items") && !IsValid(schema["items"], value[i])) {
        return false;
      }
    }
    return true;
  }

  bool FitsObject(const Json& schema, const Json& value) const {
    for (const Json& name : schema.value("required", Json::array())) {
      if (!value.contains(name.get<std::string>())) return false;
    }
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [name, member] : value.items()) {
      if (properties.contains(name)) {
        if (!IsValid(properties[name], member)) return false;
      } else if (schema.contains("additionalProperties") &&
                 !IsValid(schema["additionalProperties"], member)) {
        return false;
      }
    }
    return true;
  }

  const Json& root_;
};

}  // namespace quire::testing
