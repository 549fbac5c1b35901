#include "engine/sampling/constraints/constraint_compiler.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/support/byte_constraints.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using quire::testing::ByteConstraints;
using quire::testing::FailsWith;
using quire::testing::IsOk;
using quire::testing::kInvalid;

TEST(ConstraintCompilerTest, ChoiceIsOneOfItsStrings) {
  ByteConstraints constraints;
  const auto constraint = constraints.Choice({"yes", "no", "yesterday", "\xC3\xA9"});
  for (const char* text : {"yes", "no", "yesterday", "\xC3\xA9"}) {
    EXPECT_TRUE(ByteConstraints::Accepts(constraint, text)) << text;
  }
  for (const char* text : {"", "y", "yest", "noyes", "\xC3"}) {
    EXPECT_FALSE(ByteConstraints::Accepts(constraint, text)) << text;
  }
}

TEST(ConstraintCompilerTest, NoConstraintIsNull) {
  ByteConstraints constraints;
  const auto constraint = constraints.compiler().Compile(std::monostate());
  ASSERT_THAT(constraint, IsOk());
  EXPECT_EQ(*constraint, nullptr);
}

TEST(ConstraintCompilerTest, BadConstraintsNameTheirField) {
  ByteConstraints constraints;
  EXPECT_THAT(constraints.Regex("a(?=b)"), FailsWith(kInvalid, "constraint.regex: byte 1: "));
  EXPECT_THAT(constraints.Regex("a\xFF"), FailsWith(kInvalid, "constraint.regex: byte 1: "));
  EXPECT_THAT(constraints.Regex(""), FailsWith(kInvalid, "constraint.regex: wanted"));
  EXPECT_THAT(constraints.Regex(std::string(9'000, 'a')),
              FailsWith(kInvalid, "constraint.regex: "));
  EXPECT_THAT(constraints.Schema(R"({"not": {}})"),
              FailsWith(kInvalid, "constraint.json_schema: #/not: "));
  EXPECT_THAT(constraints.Schema(std::string(kMaxConstraintBytes + 1, ' ')),
              FailsWith(kInvalid, "constraint.json_schema: wanted at most"));
  EXPECT_THAT(constraints.Schema("\"\xFF\""), FailsWith(kInvalid, "constraint.json_schema: #: "));
  EXPECT_THAT(constraints.Choice({}), FailsWith(kInvalid, "constraint.choice: wanted 1 to 1024"));
  EXPECT_THAT(constraints.Choice(std::vector<std::string>(1025, "a")),
              FailsWith(kInvalid, "constraint.choice: wanted 1 to 1024"));
  EXPECT_THAT(constraints.Choice({"a", ""}), FailsWith(kInvalid, "constraint.choice[1]: "));
  EXPECT_THAT(constraints.Choice({"\xC3"}), FailsWith(kInvalid, "constraint.choice[0]: "));
  EXPECT_THAT(constraints.Choice({std::string(kMaxConstraintBytes + 1, 'a')}),
              FailsWith(kInvalid, "constraint.choice: wanted at most"));
  EXPECT_EQ(constraints.compiler().num_cached(), 0u);
}

TEST(ConstraintCompilerTest, LimitsThemselvesAreAccepted) {
  ByteConstraints constraints;
  std::vector<std::string> choices;
  for (std::size_t i = 0; i < kMaxChoices; ++i) choices.push_back(fmt::format("{:063}", i));
  EXPECT_THAT(constraints.Choice(choices), IsOk());
  std::string schema = R"({"type": "object"})";
  schema.resize(kMaxConstraintBytes, ' ');
  EXPECT_THAT(constraints.Schema(schema), IsOk());
}

TEST(ConstraintCompilerTest, SameConstraintIsCompiledOnce) {
  ByteConstraints constraints;
  const auto first = constraints.Regex("a+");
  const auto second = constraints.Regex("a+");
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->get(), second->get());
  // The same text means something else elsewhere.
  EXPECT_NE(constraints.Choice({"a+"})->get(), first->get());
  EXPECT_NE(constraints.Choice({"a", "b"})->get(), constraints.Choice({"a:1:b"})->get());
}

TEST(ConstraintCompilerTest, CacheIsBounded) {
  ByteConstraints constraints;
  for (int i = 0; i < 200; ++i) ASSERT_THAT(constraints.Regex(fmt::format("a{}", i)), IsOk());
  EXPECT_EQ(constraints.compiler().num_cached(), ConstraintCompiler::kMaxCached);
}

TEST(ConstraintCompilerTest, ThreadsThatAskForTheSameGetTheSame) {
  ByteConstraints constraints;
  std::vector<std::thread> threads;
  std::vector<const Constraint*> compiled(8);
  std::vector<StatusOr<ByteConstraints::Compiled>> results(8, Internal("not yet"));
  for (std::size_t i = 0; i < compiled.size(); ++i) {
    threads.emplace_back([&, i] {
      results[i] = constraints.Schema(R"({"properties": {"a": {"maxLength": 50}}})");
      for (int j = 0; j < 50; ++j) (void)constraints.Regex(fmt::format("b{}", j));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) {
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->get(), results[0]->get());
  }
}

struct Bomb {
  const char* name;
  bool is_schema;
  std::string text;
};

class BombTest : public ::testing::TestWithParam<Bomb> {};

// Programs from strangers that want all of our time or memory.
TEST_P(BombTest, IsRefusedSoon) {
  ByteConstraints constraints(constraints::CompileLimits{});
  const auto begin = std::chrono::steady_clock::now();
  const auto result = GetParam().is_schema ? constraints.Schema(GetParam().text)
                                           : constraints.Regex(GetParam().text);
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  EXPECT_THAT(result, FailsWith(kInvalid, "too complex")) << GetParam().name;
  // The limit is one second; a debug build on a busy machine takes its time between two looks.
  EXPECT_LT(elapsed, std::chrono::seconds(5)) << GetParam().name;
}

std::string DoublingReferences() {
  std::string schema = R"({"$ref": "#/$defs/0", "$defs": {)";
  for (int i = 0; i < 60; ++i) {
    schema += fmt::format(R"("{}": {{"anyOf": [{{"$ref": "#/$defs/{}"}}, {{"items": )"
                          R"({{"$ref": "#/$defs/{}"}}}}]}},)",
                          i, i + 1, i + 1);
  }
  return schema + R"("60": {"type": "integer"}}})";
}

INSTANTIATE_TEST_SUITE_P(
    Constraints, BombTest,
    ::testing::Values(Bomb{"nested repeats", false, "((a{1000}){1000}){1000}"},
                      Bomb{"nested options", false, "((((a?){100}){100}){100}){100}"},
                      Bomb{"exponential states", false, "[ab]*a[ab]{40}"},
                      Bomb{"wide classes", false, "([\\x{80}-\\x{10000}]|[a-z]{3}){5000}"},
                      Bomb{"long string", true, R"({"maxLength": 1000000})"},
                      Bomb{"many items", true, R"({"items": {}, "minItems": 1000000})"},
                      Bomb{"exponential pattern", true, R"({"pattern": "a.{40}$"})"},
                      Bomb{"doubling", true, DoublingReferences()}));

}  // namespace
}  // namespace quire::engine
