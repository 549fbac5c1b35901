#include "engine/sampling/constraints/schema_nfa.h"

#include <gtest/gtest.h>

#include "tests/support/byte_constraints.h"
#include "tests/support/status_matchers.h"

namespace quire::engine::constraints {
namespace {

using quire::testing::ByteConstraints;
using quire::testing::Examples;
using quire::testing::FailsWith;
using quire::testing::kInvalid;

class SchemaTest : public ::testing::TestWithParam<Examples> {};

TEST_P(SchemaTest, MatchesItsValues) {
  ByteConstraints constraints;
  const auto constraint = constraints.Schema(GetParam().constraint);
  for (const std::string& text : GetParam().accepted) {
    EXPECT_TRUE(ByteConstraints::Accepts(constraint, text)) << text;
  }
  for (const std::string& text : GetParam().refused) {
    EXPECT_FALSE(ByteConstraints::Accepts(constraint, text)) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Scalars, SchemaTest,
    ::testing::Values(
        Examples{R"({"type": "null"})", {"null"}, {"nul", "true", ""}},
        Examples{R"({"type": "boolean"})", {"true", "false"}, {"null", "True"}},
        Examples{R"({"type": "integer"})",
                 {"0", "-1", "123456789012345678"},
                 {"01", "1.0", "1e3", "1234567890123456789", "-", "+1"}},
        Examples{R"({"type": "number"})",
                 {"0", "-1.5", "1e3", "2.50E-07", "-0"},
                 {"1.", ".5", "1e999", "0x1", "NaN", "1e"}},
        Examples{R"({"type": "integer", "minimum": 5, "exclusiveMaximum": 12})",
                 {"5", "11"},
                 {"4", "12", "-6", "05"}},
        Examples{R"({"type": "integer", "exclusiveMinimum": -2.5, "maximum": 2.5})",
                 {"-2", "0", "2"},
                 {"-3", "3"}},
        Examples{R"({"type": "integer", "minimum": 10})", {"10", "999"}, {"9", "-10"}},
        Examples{R"({"type": "number", "minimum": 0.5, "exclusiveMaximum": 1})",
                 {"0.5", "0.999999", "0.50"},
                 {"0.499999", "1", "1.0", "0.9999999", "5e-1"}},
        Examples{R"({"minimum": 0})", {"0", "7.25"}, {"-1", "\"a\""}},
        Examples{R"({"const": {"a": [1, "x\"y"]}})", {R"({"a":[1,"x\"y"]})"}, {R"({"a":[1]})"}},
        Examples{R"({"enum": ["a", "ab", 1, 12, null]})",
                 {"\"a\"", "\"ab\"", "1", "12", "null"},
                 {"\"b\"", "2", "a"}},
        Examples{R"({"enum": ["a", 1, 2.0], "type": "integer"})", {"1", "2.0"}, {"\"a\""}},
        Examples{R"({"type": ["string", "null"]})", {"null", "\"x\""}, {"1"}}));

INSTANTIATE_TEST_SUITE_P(
    Strings, SchemaTest,
    ::testing::Values(
        Examples{R"({"type": "string"})",
                 {"\"\"", "\"a\xC3\xA9\xF0\x9F\x98\x80\"", R"("\"\\\/\b\f\n\r\t")",
                  R"("\u00e9\uD83D\uDE00\uD7FF\uFFFF")"},
                 {"\"", "\"a", "\"\n\"", R"("\x")", R"("\u12")", R"("\uD83D")", R"("\uDE00")",
                  R"("\uD83Dx")", "\"\xC3\"", "'a'"}},
        Examples{R"({"minLength": 2, "maxLength": 3})",
                 {"\"ab\"", R"("a\n\u00e9")", "\"\xC3\xA9\xC3\xA9\"", R"("\uD83D\uDE00x")"},
                 {"\"a\"", "\"abcd\"", "\"\xC3\xA9\"", R"("\uD83D\uDE00")"}},
        Examples{R"({"minLength": 20, "maxLength": 40})",
                 {"\"" + std::string(20, 'x') + "\"", "\"" + std::string(40, 'x') + "\""},
                 {"\"" + std::string(19, 'x') + "\"", "\"" + std::string(41, 'x') + "\""}},
        Examples{R"({"minLength": 1})", {"\"a\"", "\"abcdef\""}, {"\"\""}},
        Examples{
            R"({"pattern": "^[A-Z]{2}\\d+$"})", {"\"AB1\"", "\"XY123\""}, {"\"AB\"", "\"xAB1\""}},
        Examples{R"({"pattern": "b+"})", {"\"abc\"", "\"b\"", R"("\nb")"}, {"\"ac\"", "\"\""}},
        Examples{R"({"pattern": "^a"})", {"\"ab\\\"\""}, {"\"ba\""}},
        Examples{R"({"pattern": "^(\"|\\\\|\\n|\\x01|/)*$"})",
                 {R"("\"\\\n\u0001/")", "\"\""},
                 {"\"\n\"", "\"\"\"", R"("\/")"}},
        Examples{R"({"format": "date"})",
                 {"\"2024-02-28\"", "\"1999-12-31\""},
                 {"\"2023-02-29\"", "\"2024-04-31\"", "\"2024-13-01\"", "\"24-01-01\""}},
        Examples{
            R"({"format": "date-time"})",
            {"\"2024-02-28T23:59:59Z\"", "\"2024-02-28T00:00:00.25+01:30\""},
            {"\"2024-02-28 23:59:59Z\"", "\"2024-02-28T24:00:00Z\"", "\"2024-02-28T23:59:59\""}},
        Examples{R"({"format": "time"})", {"\"12:00:00Z\""}, {"\"12:00Z\""}},
        Examples{R"({"format": "uuid"})",
                 {"\"123e4567-e89b-12d3-a456-426614174000\""},
                 {"\"123e4567e89b12d3a456426614174000\""}}));

INSTANTIATE_TEST_SUITE_P(
    Arrays, SchemaTest,
    ::testing::Values(
        Examples{R"({"items": {"type": "integer"}})",
                 {"[]", "[1]", "[1,2]", "[ 1, 2 ]", "[\n  1,\n  2\n]", "[ ]"},
                 {"[1,]", "[,]", "[1 2]", "[1 ,2]", "[  1]", "[\"a\"]", "[1"}},
        Examples{R"({"type": "array"})", {"[1,\"a\",[null],{}]"}, {"[1}"}},
        Examples{R"({"items": {"type": "null"}, "minItems": 2, "maxItems": 3})",
                 {"[null,null]", "[null,null,null]"},
                 {"[]", "[null]", "[null,null,null,null]"}},
        Examples{R"({"items": {"type": "null"}, "minItems": 3})",
                 {"[null,null,null]", "[null,null,null,null,null]"},
                 {"[null,null]"}},
        Examples{R"({"items": {"type": "null"}, "maxItems": 0})", {"[]", "[ ]"}, {"[null]"}},
        Examples{R"({"items": false})", {"[]"}, {"[1]"}},
        Examples{R"({"prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}})",
                 {"[]", "[1]", "[1,2]", "[1,2,3,3]"},
                 {"[2]", "[1,3]", "[1,2,2]"}},
        Examples{R"({"prefixItems": [{"const": 1}, {"const": 2}], "items": false, "minItems": 2})",
                 {"[1,2]"},
                 {"[1]", "[1,2,3]"}},
        Examples{R"({"items": {"items": {"type": "boolean"}}, "maxItems": 4})",
                 {"[[],[true,false]]"},
                 {"[[[]]]", "[[],[],[],[],[]]"}}));

INSTANTIATE_TEST_SUITE_P(
    Objects, SchemaTest,
    ::testing::Values(
        Examples{R"({"type": "object"})",
                 {"{}", R"({"a":{"b":[1,"x",null]}})", R"({"\u0061": 1, "": 2})", "{\n}"},
                 {"[]", "{a:1}", R"({"a":1,})", R"({"a" :1})", "null"}},
        Examples{R"({"properties": {"a": {"type": "integer"}, "b": {"type": "null"}},
                     "required": ["a"]})",
                 {R"({"a":1})", R"({"a": 1, "b": null})", "{\n  \"a\": 1,\n  \"b\": null\n}"},
                 {"{}", R"({"b":null})", R"({"b":null,"a":1})", R"({"a":1,"c":1})",
                  R"({"a":1,"a":1})", R"({"a":null})"}},
        Examples{R"({"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}})",
                 {"{}", R"({"b":2})", R"({"a":1,"c":3})", R"({"a":1,"b":2,"c":3})"},
                 {R"({"c":3,"a":1})", R"({,"b":2})"}},
        Examples{R"({"properties": {"ab": {"const": 1}, "\u00e9": {"const": 2}},
                     "additionalProperties": {"const": 0}})",
                 {"{}", R"({"ab":1,"x":0,"a":0,"abc":0})", R"({"":0})", "{\"\xC3\xA9\":2}",
                  "{\"\xC3\xA8\":0}", "{\"\xC3\xA9\xC3\xA9\":0}"},
                 {R"({"ab":0})", R"({"x":1})", R"({"x":0,"ab":1})", "{\"\xC3\xA9\":0}",
                  R"({"\u0061b":0})"}},
        Examples{R"({"additionalProperties": {"type": "integer"}})",
                 {"{}", R"({"x":1,"y":2})", R"({"\n":1})"},
                 {R"({"x":"y"})"}},
        Examples{R"({"required": ["q\"q"]})", {R"({"q\"q":5})", R"({"q\"q":5,"z":[]})"}, {"{}"}},
        Examples{R"({"properties": {"a": false, "b": {"const": 1}}})",
                 {"{}", R"({"b":1})"},
                 {R"({"a":1})"}}));

INSTANTIATE_TEST_SUITE_P(
    Combined, SchemaTest,
    ::testing::Values(
        Examples{R"({"anyOf": [{"type": "string", "maxLength": 1}, {"enum": ["abc", 5]}]})",
                 {"\"\"", "\"a\"", "\"abc\"", "5"},
                 {"\"ab\"", "6"}},
        Examples{R"({"oneOf": [{"type": "null"}, {"type": "boolean"}]})", {"null", "true"}, {"1"}},
        Examples{R"({"allOf": [{"type": "null"}]})", {"null"}, {"1"}},
        Examples{R"({"anyOf": [{"type": "integer"}, true]})", {"1", "\"x\"", "[{}]"}, {"x"}},
        // A list of trees, told apart only behind equal beginnings.
        Examples{R"({"$ref": "#/$defs/tree", "$defs": {"tree": {"anyOf": [{"type": "integer"},
                     {"type": "array", "items": {"$ref": "#/$defs/tree"}}]}}})",
                 {"1", "[]", "[1,[2,[3,[]]]]"},
                 {"[", "[[]", "\"a\""}},
        Examples{R"({"properties": {"v": {"type": "integer"},
                     "next": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}}, "required": ["v", "next"]})",
                 {R"({"v":1,"next":null})", R"({"v":1,"next":{"v":2,"next":null}})"},
                 {R"({"v":1})", R"({"v":1,"next":{}})"}},
        // Alternatives whose first properties have different references: copied, not called.
        Examples{R"({"anyOf": [{"properties": {"p": {"$ref": "#/$defs/a"}}, "required": ["p"]},
                               {"properties": {"p": {"$ref": "#/$defs/b"}}, "required": ["p"]}],
                     "$defs": {"a": {"properties": {"x": {"const": 1}}, "required": ["x"]},
                               "b": {"properties": {"y": {"const": 2}}, "required": ["y"]}}})",
                 {R"({"p":{"x":1}})", R"({"p":{"y":2}})"},
                 {R"({"p":{"x":2}})", R"({"p":{}})"}}));

TEST(SchemaNestingTest, ValuesNestUpToTheLimitAndCanAlwaysBeClosed) {
  ByteConstraints constraints;
  const auto any = constraints.Schema("true");
  const int limit = Automaton::kMaxDepth;
  EXPECT_TRUE(ByteConstraints::Accepts(any, std::string(60, '[') + std::string(60, ']')));
  EXPECT_FALSE(
      ByteConstraints::Accepts(any, std::string(static_cast<std::size_t>(limit) + 2, '[') +
                                        std::string(static_cast<std::size_t>(limit) + 2, ']')));
}

TEST(SchemaNestingTest, SchemaWithoutAFiniteValueIsRefused) {
  ByteConstraints constraints;
  for (const char* schema : {R"({"properties": {"next": {"$ref": "#"}}, "required": ["next"]})",
                             "false", R"({"properties": {"a": false}, "required": ["a"]})",
                             R"({"type": "integer", "minimum": 2, "maximum": 1})",
                             R"({"type": "array", "items": false, "minItems": 1})"}) {
    EXPECT_THAT(constraints.Schema(schema),
                FailsWith(kInvalid, "constraint.json_schema: wanted a constraint that some output"))
        << schema;
  }
}

}  // namespace
}  // namespace quire::engine::constraints
