// Templates that try to use up time, memory or the stack.

#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "engine/tokenizer/chat_template.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using Json = nlohmann::ordered_json;
using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using quire::testing::kInvalid;

constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
StatusOr<std::string> Render(const std::string& source, const std::string& content = "x") {
  QUIRE_ASSIGN_OR_RETURN(const auto chat_template, ChatTemplate::Compile(source));
  QUIRE_ASSIGN_OR_RETURN(const auto segments,
                         chat_template->RenderMessages({{"user", content}}, {}));
  return JoinSegments(segments);
}

TEST(JinjaLimitsTest, EndlessWorkRunsOutOfSteps) {
  EXPECT_THAT(
      Render("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"),
      FailsWith(kExhausted, "steps"));
  EXPECT_THAT(Render("{% set l = [1] %}{% for a in l %}{% set _ = l.append(1) %}{% endfor %}"),
              HasCode(kExhausted));
}

TEST(JinjaLimitsTest, RecursionIsBounded) {
  EXPECT_THAT(Render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
              FailsWith(kExhausted, "nesting"));
  EXPECT_THAT(Render("{% macro f(x) %}{{ [[[[[[x + [f(x)]]]]]]] }}{% endmacro %}{{ f([]) }}"),
              HasCode(kExhausted));
  EXPECT_THAT(Render("{% set l = [1] %}{% for a in [l] recursive %}{{ loop([l]) }}{% endfor %}"),
              HasCode(kExhausted));
}

TEST(JinjaLimitsTest, RangesAreBounded) {
  EXPECT_THAT(Render("{{ range(1000000000) | length }}"), FailsWith(kExhausted, "range"));
  EXPECT_THAT(Render("{{ range(100000) | length }}"), IsOk());
  EXPECT_THAT(Render("{{ range(0, 9223372036854775807, 9223372036854775806) | list }}"), IsOk());
}

TEST(JinjaLimitsTest, TextsAreBounded) {
  EXPECT_THAT(Render("{{ 'x' * 1000000000000 }}"), HasCode(kExhausted));
  EXPECT_THAT(Render("{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ "
                     "ns.s %}{% endfor %}"),
              HasCode(kExhausted));
  EXPECT_THAT(Render("{% set s = 'x' * 100000 %}{{ s.replace('', s) }}"), HasCode(kExhausted));
  EXPECT_THAT(Render("{% set s = 'x' * 1000000 %}{% for i in range(10) %}{{ s }}{% endfor %}"),
              FailsWith(kExhausted, "output"));
  EXPECT_THAT(Render("{{ '%999999999d' % 1 }}"), HasCode(kInvalid));
  EXPECT_THAT(Render("{{ 'x' | center(999999999) }}"), HasCode(kExhausted));
  EXPECT_THAT(Render("{{ 'x'.ljust(999999999) }}"), HasCode(kExhausted));
  EXPECT_THAT(Render("{{ 'x' | indent(999999999, true) }}"), HasCode(kExhausted));
}

TEST(JinjaLimitsTest, ContainersAreBounded) {
  EXPECT_THAT(Render("{{ ([1] * 1000000000) | length }}"), HasCode(kExhausted));
  EXPECT_THAT(Render("{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + "
                     "ns.l %}{% endfor %}"),
              HasCode(kExhausted));
  EXPECT_THAT(Render("{{ [1] | batch(1000000000, 0) | list }}"), HasCode(kExhausted));
}

TEST(JinjaLimitsTest, CirclesAreFoundOut) {
  const std::string circle = "{% set l = [] %}{% set _ = l.append(l) %}";
  EXPECT_THAT(Render(circle + "{{ l }}"), HasCode(kExhausted));
  EXPECT_THAT(Render(circle + "{{ l | tojson }}"), HasCode(kExhausted));
  EXPECT_THAT(Render(circle + "{{ l == [l] }}"), HasCode(kExhausted));
  EXPECT_THAT(Render("{% set ns = namespace(t=(1,)) %}{% for i in range(50000) %}{% set ns.t = "
                     "(ns.t,) %}{% endfor %}{{ ns.t }}"),
              HasCode(kExhausted));
}

TEST(JinjaLimitsTest, NestingOfTheSourceIsBounded) {
  const auto repeat = [](const std::string& text, int count) {
    std::string repeated;
    for (int i = 0; i < count; ++i) repeated += text;
    return repeated;
  };
  EXPECT_THAT(Render("{{ " + repeat("(", 60'000) + "1" + repeat(")", 60'000) + " }}"),
              HasCode(kInvalid));
  EXPECT_THAT(Render("{{ " + repeat("[", 60'000)), HasCode(kInvalid));
  EXPECT_THAT(Render("{{ " + repeat("not ", 60'000) + "1 }}"), HasCode(kInvalid));
  EXPECT_THAT(Render("{{ " + repeat("- ", 60'000) + "1 }}"), HasCode(kInvalid));
  EXPECT_THAT(Render("{{ 1" + repeat(" + 1", 60'000) + " }}"), HasCode(kInvalid));
  EXPECT_THAT(Render("{{ x" + repeat(".a", 60'000) + " }}"), HasCode(kInvalid));
  EXPECT_THAT(Render("{{ x" + repeat("|trim", 60'000) + " }}"), HasCode(kInvalid));
  EXPECT_THAT(Render("{{ " + repeat("1 if 1 else ", 60'000) + "1 }}"), HasCode(kInvalid));
  EXPECT_THAT(Render(repeat("{% if 1 %}", 60'000)), HasCode(kInvalid));
  EXPECT_THAT(Render(repeat("{% for x in y %}", 60'000)), HasCode(kInvalid));
  EXPECT_THAT(Render("{% if 1 %}" + repeat("{% elif 1 %}", 20'000) + "{% endif %}"), IsOk());
  EXPECT_THAT(Render("{{ 1" + repeat(" ~ 1", 20'000) + " }}"), IsOk());
}

TEST(JinjaLimitsTest, LongContentPassesThrough) {
  const std::string content(6 << 20, 'x');
  const auto text = Render("<{{ messages[0].content | trim }}>", content);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(text->size(), content.size() + 2);
}

TEST(JinjaLimitsTest, EveryRunawayEndsSoon) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Render("{% set s = messages[0].content %}{% for i in range(100000) %}{% set x = "
                     "s.split(',') | join('') %}{% endfor %}",
                     std::string(100'000, ',')),
              HasCode(kExhausted));
  EXPECT_THAT(
      Render(
          "{% set s = messages[0].content %}{% for i in range(100000) %}{{ 'z' in s }}{% endfor %}",
          std::string(1'000'000, 'y')),
      HasCode(kExhausted));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST(JinjaLimitsTest, NothingReachesBeyondTheAllowList) {
  for (const std::string source :
       {"{{ ''.__class__ is defined }}", "{{ messages.__class__ is defined }}",
        "{{ ({}).__init__ is defined }}", "{{ range.__globals__ is defined }}",
        "{{ namespace().__dict__ is defined }}"}) {
    EXPECT_EQ(*Render(source), "False") << source;
  }
  for (const std::string source :
       {"{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}"}) {
    EXPECT_THAT(Render(source), HasCode(kInvalid)) << source;
  }
}

}  // namespace
}  // namespace quire::engine
