#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace quire::testing {

// Random JSON schemas of the subset that constraints know, seeded. Each has values: what recurs can
// be left out, and ranges are not empty.
class RandomSchemas {
 public:
  using Json = nlohmann::ordered_json;

  explicit RandomSchemas(std::uint32_t seed) : random_(seed) {}

  Json Next() {
    Json definitions = Json::object();
    num_definitions_ = static_cast<int>(Below(3));
    Json schema = Value(3);
    for (int i = 0; i < num_definitions_; ++i) definitions[fmt::format("d{}", i)] = Definition(i);
    if (!schema.is_object()) schema = {{"anyOf", {schema}}};
    if (num_definitions_ > 0) schema["$defs"] = definitions;
    return schema;
  }

 private:
  std::size_t Below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
  bool Chance(double p) { return std::bernoulli_distribution(p)(random_); }
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  // A list or object whose parts may be absent, so that it may hold itself.
  Json Definition(int index) {
    const Json self = {{"$ref", fmt::format("#/$defs/d{}", index)}};
    if (Chance(0.5)) {
      return {
          {"type", "object"},
          {"properties", {{"value", Value(1)}, {"next", {{"anyOf", {{{"type", "null"}}, self}}}}}},
          {"required", {"next"}}};
    }
    return {{"anyOf", {{{"type", "integer"}}, {{"type", "array"}, {"items", self}}}}};
  }

  Json Value(int depth) {
    switch (Below(depth > 0 ? 12 : 7)) {
      case 0:
        return {{"type", Chance(0.5) ? "null" : "boolean"}};
      case 1:
        return Integer();
      case 2:
        return Number();
      case 3:
        return String();
      case 4:
        return Literals();
      case 5:
        return {{"type", {"string", "null", "integer"}}};
      case 6:
        if (num_definitions_ == 0) return String();
        return {{"$ref",
                 fmt::format("#/$defs/d{}", Below(static_cast<std::size_t>(num_definitions_)))}};
      case 7:
      case 8:
        return Array(depth);
      case 9:
      case 10:
        return Object(depth);
      default:
        return Union(depth);
    }
  }

  Json Integer() {
    Json schema = {{"type", "integer"}};
    const std::int64_t low =
        Chance(0.5) ? Between(-20, 20) : Between(-2'000'000'000, 2'000'000'000);
    if (Chance(0.5)) schema[Chance(0.5) ? "minimum" : "exclusiveMinimum"] = low;
    if (Chance(0.5)) schema[Chance(0.5) ? "maximum" : "exclusiveMaximum"] = low + Between(2, 500);
    return schema;
  }

  Json Number() {
    Json schema = {{"type", "number"}};
    const double low = static_cast<double>(Between(-100'000, 100'000)) / 1000;
    if (Chance(0.5)) schema[Chance(0.5) ? "minimum" : "exclusiveMinimum"] = low;
    if (Chance(0.5)) schema[Chance(0.5) ? "maximum" : "exclusiveMaximum"] = low + 0.125;
    return schema;
  }

  Json String() {
    static const char* const kPatterns[] = {
        "^[a-z]{2,4}$", "[0-9]+$", "^(ab|cd)*", "\\\\",
        "^[^a-z]{3}$",  "^.\"?.$", "x",         "^[\\u00e0-\\uffff]+$"};
    Json schema = {{"type", "string"}};
    if (Chance(0.25)) {
      // PCRE2 writes \uXXXX as \x{XXXX}, which both understand.
      std::string pattern = kPatterns[Below(std::size(kPatterns))];
      if (pattern.find("\\u") != std::string::npos) pattern = "^[\\x{e0}-\\x{ffff}]+$";
      schema["pattern"] = pattern;
      return schema;
    }
    const auto low = static_cast<std::int64_t>(Below(6));
    if (Chance(0.4)) schema["minLength"] = low;
    if (Chance(0.4)) schema["maxLength"] = low + Between(0, 40);
    return schema;
  }

  Json Literals() {
    static const std::vector<Json> kValues = {"a",
                                              "ab",
                                              "line\nfeed",
                                              "\"quoted\"",
                                              "\u00fcber",
                                              "",
                                              0,
                                              -7,
                                              2.5,
                                              true,
                                              nullptr,
                                              Json::array({1, "x"}),
                                              Json::object({{"k", {1}}})};
    if (Chance(0.3)) return {{"const", kValues[Below(kValues.size())]}};
    Json values = Json::array();
    for (std::size_t i = 0; i <= Below(5); ++i) values.push_back(kValues[Below(kValues.size())]);
    return {{"enum", values}};
  }

  Json Array(int depth) {
    Json schema = {{"type", "array"}};
    const auto low = static_cast<std::int64_t>(Below(4));
    if (Chance(0.8)) schema["items"] = Value(depth - 1);
    if (Chance(0.3)) schema["prefixItems"] = Json::array({Value(depth - 1), Value(depth - 1)});
    if (Chance(0.4)) schema["minItems"] = low;
    if (Chance(0.4)) schema["maxItems"] = low + Between(0, 4);
    return schema;
  }

  Json Object(int depth) {
    static const char* const kNames[] = {"id", "name", "na", "\u00e9t\u00e9", "a\"b", "", "x y"};
    Json schema = {{"type", "object"}};
    Json required = Json::array();
    for (const char* name : kNames) {
      if (!Chance(0.4)) continue;
      schema["properties"][name] = Value(depth - 1);
      if (Chance(0.5)) required.push_back(name);
    }
    if (Chance(0.2)) required.push_back("zzz");
    if (!required.empty()) schema["required"] = required;
    const bool needs_more = !required.empty() && required.back() == "zzz";
    if (Chance(0.5) || needs_more) {
      schema["additionalProperties"] = Value(depth - 1);
    } else if (Chance(0.5)) {
      schema["additionalProperties"] = false;
    }
    return schema;
  }

  Json Union(int depth) {
    if (Chance(0.4)) {
      return {{"oneOf",
               {String(), Number(), {{"type", "null"}}, Tagged("a", depth), Tagged("b", depth)}}};
    }
    Json alternatives = Json::array();
    for (std::size_t i = 0; i <= Below(3); ++i) alternatives.push_back(Value(depth - 1));
    return {{"anyOf", alternatives}};
  }

  Json Tagged(const char* tag, int depth) {
    return {{"type", "object"},
            {"properties", {{"tag", {{"const", tag}}}, {"of", Value(depth - 1)}}},
            {"required", {"tag"}}};
  }

  std::mt19937 random_;
  int num_definitions_ = 0;
};

}  // namespace quire::testing
