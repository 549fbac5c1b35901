#include "engine/sampling/constraints/schema_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire::engine::constraints {
namespace {

using quire::testing::FailsWith;
using quire::testing::IsOk;
using quire::testing::kInvalid;

struct BadSchema {
  std::string schema;
  std::string error;  // begins with the pointer
};

class BadSchemaTest : public ::testing::TestWithParam<BadSchema> {};

TEST_P(BadSchemaTest, IsRefusedNamingThePlace) {
  EXPECT_THAT(ParseSchema(GetParam().schema), FailsWith(kInvalid, GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    NoSchemas, BadSchemaTest,
    ::testing::Values(
        BadSchema{"", "#: wanted JSON"}, BadSchema{"{", "#: wanted JSON, have an error at byte"},
        BadSchema{"5", "#: wanted a schema"}, BadSchema{"\"a\"", "#: wanted a schema"},
        BadSchema{"{\"const\": 1e999}", "#: wanted JSON"},
        BadSchema{std::string(70, '[') + std::string(70, ']'), "#: wanted JSON nested"},
        BadSchema{R"({"properties": 5})", "#/properties: wanted an object"},
        BadSchema{R"({"properties": {"a": 5}})", "#/properties/a: wanted a schema"},
        BadSchema{R"({"type": "text"})", "#/type: wanted the name"},
        BadSchema{R"({"type": ["string", 3]})", "#/type/1: wanted the name"},
        BadSchema{R"({"type": []})", "#/type: wanted at least one"},
        BadSchema{R"({"items": [{}]})", "#/items: wanted a schema"},
        BadSchema{R"({"anyOf": []})", "#/anyOf: wanted a list"},
        BadSchema{R"({"enum": []})", "#/enum: wanted a list"},
        BadSchema{R"({"enum": [1], "type": "string"})", "#/enum: wanted a list with a value"},
        BadSchema{R"({"const": 1.5, "type": "integer"})", "#/const: wanted a value"},
        BadSchema{R"({"required": "a"})", "#/required: wanted a list"},
        BadSchema{R"({"required": [1]})", "#/required/0: wanted a name"}));

INSTANTIATE_TEST_SUITE_P(
    Unsupported, BadSchemaTest,
    ::testing::Values(
        BadSchema{R"({"properties": {"a/b~c": {"not": {}}}})",
                  "#/properties/a~1b~0c/not: the keyword is not supported"},
        BadSchema{R"({"items": {"patternProperties": {}}})", "#/items/patternProperties:"},
        BadSchema{R"({"if": {}})", "#/if:"},
        BadSchema{R"({"minProperties": 1})", "#/minProperties:"},
        BadSchema{R"({"contains": {}})", "#/contains:"},
        BadSchema{R"({"uniqueItems": true})", "#/uniqueItems:"},
        BadSchema{R"({"multipleOf": 2})", "#/multipleOf:"},
        BadSchema{R"({"items": {"$id": "x"}})", "#/items/$id:"},
        BadSchema{R"({"$anchor": "x"})", "#/$anchor:"},
        BadSchema{R"({"format": "email"})", "#/format: the format is not supported"},
        BadSchema{R"-({"pattern": "a(?=b)"})-", "#/pattern: byte 1:"},
        BadSchema{R"({"pattern": "a", "maxLength": 3})", "#/pattern: the keyword is not supported"},
        BadSchema{R"({"format": "date", "pattern": "a"})", "#/pattern:"},
        BadSchema{R"({"anyOf": [{}], "type": "string"})",
                  "#/type: the keyword is not supported beside"},
        BadSchema{R"({"$ref": "#", "minimum": 1})", "#/minimum:"},
        BadSchema{R"({"const": 1, "minimum": 1})", "#/minimum:"},
        BadSchema{R"({"const": 1, "enum": [1]})", "#/enum:"},
        BadSchema{R"({"allOf": [{}, {"type": "string"}]})", "#/allOf/1:"}));

INSTANTIATE_TEST_SUITE_P(
    Numbers, BadSchemaTest,
    ::testing::Values(BadSchema{R"({"minItems": -1})", "#/minItems: wanted an integer"},
                      BadSchema{R"({"minItems": 1.5})", "#/minItems: wanted an integer"},
                      BadSchema{R"({"maxLength": "5"})", "#/maxLength: wanted an integer"},
                      BadSchema{R"({"maxLength": 1000001})", "#/maxLength: wanted an integer"},
                      BadSchema{R"({"maxLength": 99999999999999999999})", "#/maxLength:"},
                      BadSchema{R"({"minItems": 3, "maxItems": 2})", "#/maxItems: wanted at least"},
                      BadSchema{R"({"minimum": "0"})", "#/minimum: wanted a number"},
                      BadSchema{R"({"type": "number", "maximum": 1e9})", "#/maximum:"},
                      BadSchema{R"({"exclusiveMinimum": true})", "#/exclusiveMinimum:"}));

INSTANTIATE_TEST_SUITE_P(
    References, BadSchemaTest,
    ::testing::Values(
        BadSchema{R"({"$ref": 5})", "#/$ref: wanted a string"},
        BadSchema{R"({"$ref": "http://example.com/x"})", "#/$ref: wanted a JSON pointer"},
        BadSchema{R"({"$ref": "#anchor"})", "#/$ref: wanted a JSON pointer"},
        BadSchema{R"({"$ref": "#/$defs/a", "$defs": {}})", "#/$ref: wanted a pointer to a schema"},
        BadSchema{R"({"$ref": "#/$defs/a/0", "$defs": {"a": []}})", "#/$ref: wanted a pointer"},
        BadSchema{R"({"$ref": "#"})", "#: wanted a schema that is not defined by itself"},
        BadSchema{R"({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]},
                      "b": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/a"}]}}})",
                  "wanted a schema that is not defined by itself"}));

INSTANTIATE_TEST_SUITE_P(
    Exclusive, BadSchemaTest,
    ::testing::Values(
        BadSchema{R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})", "#/oneOf/1: wanted"},
        BadSchema{R"({"oneOf": [{"type": "string"}, {"const": 1}, {"enum": ["a", null]}]})",
                  "#/oneOf/2: wanted"},
        BadSchema{R"({"oneOf": [{"const": 1}, {"const": 1.0}]})", "#/oneOf/1: wanted"},
        BadSchema{R"({"oneOf": [{"const": {"a": 1, "b": 2}}, {"const": {"b": 2, "a": 1}}]})",
                  "#/oneOf/1: wanted"},
        BadSchema{R"({"oneOf": [{"properties": {"t": {"const": "a"}}, "required": ["t"]},
                                {"properties": {"t": {"const": "b"}}}]})",
                  "#/oneOf/1: wanted"}));

class GoodSchemaTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoodSchemaTest, IsRead) { EXPECT_THAT(ParseSchema(GetParam()), IsOk()); }

INSTANTIATE_TEST_SUITE_P(
    Schemas, GoodSchemaTest,
    ::testing::Values(
        "true", "false", "{}", R"({"$schema": "x", "$id": "y", "title": "t", "default": 5})",
        R"({"uniqueItems": false, "examples": [1], "deprecated": true})",
        R"({"type": "string", "minimum": 5})",
        R"({"oneOf": [{"type": "integer"}, {"type": "string"}, {"enum": [null, true]}]})",
        R"({"oneOf": [{"properties": {"t": {"const": "a"}}, "required": ["t"]},
                      {"properties": {"t": {"enum": ["b", "c"]}}, "required": ["t"]}]})",
        R"({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {"type": "null"}}})",
        R"({"prefixItems": [{"$ref": "#/prefixItems/1"}, {"type": "null"}]})",
        R"({"properties": {"next": {"$ref": "#"}}})",
        R"({"type": "integer", "minimum": -1e300, "maximum": 1e300})"));

TEST(SchemaParserTest, ReferencesShareOneSchema) {
  const auto graph = ParseSchema(
      R"({"properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}},
          "$defs": {"x": {"type": "null"}}})");
  ASSERT_THAT(graph, IsOk());
  const auto& object = std::get<ObjectSchema>(graph->at(graph->root));
  ASSERT_EQ(object.properties.size(), 2u);
  const SchemaId shared = SkipAliases(*graph, object.properties[0].schema);
  EXPECT_EQ(shared, SkipAliases(*graph, object.properties[1].schema));
  EXPECT_TRUE(graph->is_shared[static_cast<std::size_t>(shared)]);
}

TEST(SchemaParserTest, PropertiesKeepTheirOrder) {
  const auto graph = ParseSchema(R"({"properties": {"z": {}, "a": {}}, "required": ["m", "a"],
                                     "additionalProperties": true})");
  ASSERT_THAT(graph, IsOk());
  const auto& properties = std::get<ObjectSchema>(graph->at(graph->root)).properties;
  ASSERT_EQ(properties.size(), 3u);
  EXPECT_EQ(properties[0].name, "z");
  EXPECT_FALSE(properties[0].is_required);
  EXPECT_EQ(properties[1].name, "a");
  EXPECT_TRUE(properties[1].is_required);
  EXPECT_EQ(properties[2].name, "m");
}

TEST(SchemaParserTest, LongChainOfReferencesTakesNoStack) {
  std::string definitions;
  constexpr int kLinks = 2'000;
  for (int i = 0; i < kLinks; ++i) {
    definitions += fmt::format(R"("{}": {{"$ref": "#/$defs/{}"}},)", i, i + 1);
  }
  const std::string schema = R"({"$ref": "#/$defs/0", "$defs": {)" + definitions +
                             fmt::format(R"("{}": {{"type": "null"}}}}}})", kLinks);
  const auto graph = ParseSchema(schema);
  ASSERT_THAT(graph, IsOk());
  EXPECT_TRUE(std::holds_alternative<LiteralSchema>(graph->at(SkipAliases(*graph, graph->root))));
}

}  // namespace
}  // namespace quire::engine::constraints
