#include "engine/tokenizer/chat_template.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/gguf_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/engine/tokenizer/tokenizer_files.h"

namespace quire::engine {
namespace {

using Json = nlohmann::ordered_json;
using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using quire::testing::kInvalid;

std::vector<TextSegment> Render(std::string_view source, const Json& input,
                                const ChatTemplate::Options& options = {}) {
  const auto chat_template = ChatTemplate::Compile(source);
  EXPECT_THAT(chat_template, IsOk());
  auto segments = (*chat_template)->Render(input, options);
  EXPECT_THAT(segments, IsOk()) << source;
  return segments.ok() ? *segments : std::vector<TextSegment>();
}

Json OneMessage(const std::string& content) {
  return {{"messages", {{{"role", "user"}, {"content", content}}}}};
}

// The segments with the content in brackets.
std::string Marked(const std::vector<TextSegment>& segments) {
  std::string text;
  for (const TextSegment& segment : segments) {
    text += segment.kind == TextSegment::Kind::kContent ? "[" + segment.text + "]" : segment.text;
  }
  return text;
}

TEST(ChatTemplateTest, ContentIsToldFromTemplate) {
  EXPECT_EQ(Marked(Render("{{ bos_token }}<{{ messages[0].content }}>{{ eos_token }}",
                          OneMessage("x"), {.bos_token = "B", .eos_token = "E"})),
            "B<[x]>E");
}

// However the template turns the content over, no byte of it passes for the template's.
TEST(ChatTemplateTest, ContentStaysContentThroughEveryOperation) {
  const std::pair<std::string, std::string> cases[] = {
      {"{{ 'a' + c + 'b' }}", "a[ Xy,z ]b"},
      {"{{ 'a' ~ c ~ 1 }}", "a[ Xy,z ]1"},
      {"{{ c | trim }}", "[Xy,z]"},
      {"{{ c.strip() }}", "[Xy,z]"},
      {"{{ c | upper }}", "[ XY,Z ]"},
      {"{{ c | title }}", "[ Xy,z ]"},
      {"{{ c[1:3] }}", "[Xy]"},
      {"{{ c[::-1] }}", "[ z,yX ]"},
      {"{{ c[1] }}", "[X]"},
      {"{{ ('<' + c + '>')[0:3] }}", "<[ X]"},
      {"{{ c | replace('X', '--') }}", "[ ]--[y,z ]"},
      {"{{ 'aXb' | replace('X', c) }}", "a[ Xy,z ]b"},
      {"{{ c.split(',') | join('+') }}", "[ Xy]+[z ]"},
      {"{{ c.split(',') }}", "['[ Xy]', '[z ]']"},
      {"{{ '%s|' % c }}", "[ Xy,z ]|"},
      {"{{ [c] }}", "['[ Xy,z ]']"},
      {"{{ c | tojson }}", "\"[ Xy,z ]\""},
      {"{{ {'k': c} | tojson }}", "{\"k\": \"[ Xy,z ]\"}"},
      {"{{ c | list | join }}", "[ Xy,z ]"},
      {"{{ c | reverse }}", "[ z,yX ]"},
      {"{{ c * 2 }}", "[ Xy,z  Xy,z ]"},
      {"{{ c | indent(2, true) }}", "  [ Xy,z ]"},
      {"{{ c | center(8) }}", " [ Xy,z ] "},
      {"{% set d %}<{{ c }}>{% endset %}{{ d | upper }}", "<[ XY,Z ]>"},
      {"{% macro m(x) %}({{ x }}){% endmacro %}{{ m(c) }}", "([ Xy,z ])"},
      {"{% filter upper %}a{{ c }}b{% endfilter %}", "A[ XY,Z ]B"},
      {"{% for ch in c %}{{ ch }}{% endfor %}", "[ Xy,z ]"},
      {"{{ {c: 1} }}", "{'[ Xy,z ]': 1}"},
      {"{{ c | default('d') }}", "[ Xy,z ]"},
      {"{{ [c, 'a'] | sort | join('/') }}", "[ Xy,z ]/a"},
  };
  for (const auto& [source, expected] : cases) {
    EXPECT_EQ(Marked(Render("{% set c = messages[0].content %}" + source, OneMessage(" Xy,z "))),
              expected)
        << source;
  }
}

TEST(ChatTemplateTest, KnownRolesAreTheTemplatesWords) {
  const std::string source = "{% for m in messages %}<|{{ m['role'] }}|>{% endfor %}";
  EXPECT_EQ(
      Marked(Render(source,
                    {{"messages",
                      {{{"role", "user"}, {"content", ""}}, {{"role", "end"}, {"content", ""}}}}})),
      "<|user|><|[end]|>");
}

TEST(ChatTemplateTest, KeywordArgumentsAndToolsAreContent) {
  Json input = OneMessage("x");
  input["kwargs"] = {{"extra", "e"}};
  input["tools"] = {{{"name", "t"}}};
  EXPECT_EQ(Marked(Render("{{ extra }}{{ tools | tojson }}", input)), "[e][{\"[name]\": \"[t]\"}]");
}

TEST(ChatTemplateTest, KeepsTheOrderOfKeys) {
  Json input = OneMessage("x");
  input["tools"] = Json::parse(R"([{"z": 1, "a": {"y": 2, "b": 3}}])");
  EXPECT_EQ(JoinSegments(Render("{{ tools[0] | tojson }}", input)),
            R"({"z": 1, "a": {"y": 2, "b": 3}})");
}

TEST(ChatTemplateTest, ReservedNamesAreNotTheCallersToSet) {
  const auto chat_template = *ChatTemplate::Compile("{{ bos_token }}");
  for (const std::string name : {"bos_token", "messages", "add_generation_prompt"}) {
    Json input = OneMessage("x");
    input["kwargs"] = {{name, "evil"}};
    EXPECT_THAT(chat_template->Render(input, {}), FailsWith(kInvalid, name));
  }
}

TEST(ChatTemplateTest, TheTemplateMayRefuse) {
  const auto chat_template = *ChatTemplate::Compile("a\n{{ raise_exception('no system role') }}");
  EXPECT_THAT(chat_template->Render(OneMessage("x"), {}), FailsWith(kInvalid, "no system role"));
  EXPECT_THAT(chat_template->Render(OneMessage("x"), {}), FailsWith(kInvalid, "line 2"));
}

TEST(ChatTemplateTest, InputMustHaveMessages) {
  const auto chat_template = *ChatTemplate::Compile("x");
  EXPECT_THAT(chat_template->Render(Json::array(), {}), HasCode(kInvalid));
  EXPECT_THAT(chat_template->Render(Json::object(), {}), FailsWith(kInvalid, "messages"));
}

TEST(ChatTemplateTest, InvalidUtf8InContentIsReplaced) {
  EXPECT_EQ(JoinSegments(Render("{{ messages[0].content }}", OneMessage("a\xFF"))), "a\uFFFD");
}

TEST(ChatTemplateTest, DeepInputIsRefused) {
  Json deep = "x";
  for (int i = 0; i < 200; ++i) deep = Json::array({deep});
  Json input = OneMessage("x");
  input["kwargs"] = {{"deep", deep}};
  EXPECT_THAT((*ChatTemplate::Compile("x"))->Render(input, {}), FailsWith(kInvalid, "levels"));
}

TEST(ChatTemplateTest, ErrorsOfCompilationHaveLineAndColumn) {
  EXPECT_THAT(ChatTemplate::Compile("ab\ncd {{ 1 + }}"), FailsWith(kInvalid, "line 2, column 11"));
  EXPECT_THAT(ChatTemplate::Compile("{% if x %}"), FailsWith(kInvalid, "endif"));
  EXPECT_THAT(ChatTemplate::Compile("\xFF"), FailsWith(kInvalid, "UTF-8"));
}

TEST(ChatTemplateTest, LoadsFromEitherFile) {
  const quire::testing::TemporaryDirectory directory;
  const std::string path = directory.path().string();
  EXPECT_THAT(ChatTemplate::Load(path), HasCode(absl::StatusCode::kNotFound));
  testing::WriteText(directory.path() / "tokenizer_config.json", R"({"eos_token": "x"})");
  EXPECT_THAT(ChatTemplate::Load(path), HasCode(absl::StatusCode::kNotFound));
  testing::WriteText(
      directory.path() / "tokenizer_config.json",
      R"({"chat_template": [{"name": "rag", "template": "R"}, {"name": "default", "template": "D"}]})");
  EXPECT_EQ(JoinSegments(*(*ChatTemplate::Load(path))->Render(OneMessage(""), {})), "D");
  testing::WriteText(directory.path() / "tokenizer_config.json", R"({"chat_template": "C"})");
  EXPECT_EQ(JoinSegments(*(*ChatTemplate::Load(path))->Render(OneMessage(""), {})), "C");
  testing::WriteText(directory.path() / "chat_template.jinja", "J\n");
  EXPECT_EQ(JoinSegments(*(*ChatTemplate::Load(path))->Render(OneMessage(""), {})), "J");
}

TEST(ChatTemplateTest, LoadsFromAGgufFile) {
  const quire::testing::TemporaryDirectory directory;
  const std::string path = (directory.path() / "model.gguf").string();
  quire::testing::GgufWriter writer;
  testing::WriteText(path, writer.Bytes());
  EXPECT_THAT(ChatTemplate::Load(path), HasCode(absl::StatusCode::kNotFound));
  writer.String("tokenizer.chat_template", "<{{ messages[0].content }}>");
  testing::WriteText(path, writer.Bytes());
  const auto chat_template = ChatTemplate::Load(path);
  ASSERT_THAT(chat_template, IsOk());
  EXPECT_EQ(JoinSegments(*(*chat_template)->Render(OneMessage("x"), {})), "<x>");
}

TEST(ChatTemplateTest, RendersPlainMessages) {
  const auto chat_template = *ChatTemplate::Compile(
      "{% for m in messages %}{{ m.role }}={{ m.content }};{% endfor %}{% if add_generation_prompt "
      "%}>{% endif %}");
  EXPECT_EQ(Marked(*chat_template->RenderMessages({{"system", "a"}, {"user", "b"}}, {})),
            "system=[a];user=[b];>");
}

}  // namespace
}  // namespace quire::engine
