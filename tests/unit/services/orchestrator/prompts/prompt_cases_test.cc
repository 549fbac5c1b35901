// The prompts of the service and of prompts.py are the same: both are held to prompt_cases.json.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "services/orchestrator/prompts/task_prompts.h"

namespace quire::services {
namespace {

using nlohmann::json;

constexpr char kCases[] = "tests/unit/services/orchestrator/prompts/prompt_cases.json";

std::vector<Passage> PassagesOf(const json& test_case) {
  std::vector<Passage> passages;
  for (const json& passage : test_case.value("passages", json::array())) {
    const std::string text = passage["text"];
    passages.push_back({.document = "document " + std::to_string(passages.size()),
                        .title = passage["title"],
                        .version = 1,
                        .start = 0,
                        .end = static_cast<std::int64_t>(text.size()),
                        .text = text,
                        .headings = passage["headings"]});
  }
  return passages;
}

// `text` with ten sources, the first of them `passages`.
CitedText Said(const std::string& text, std::vector<Passage> passages) {
  while (passages.size() < 10) {
    passages.push_back({.document = "document " + std::to_string(passages.size()),
                        .title = "",
                        .version = 1,
                        .start = 0,
                        .end = 1,
                        .text = "x",
                        .headings = {}});
  }
  return {.text = text, .sources = std::move(passages)};
}

Prompt Render(const json& test_case) {
  const std::string step = test_case["step"];
  const std::vector<Passage> passages = PassagesOf(test_case);
  const TaskPrompts prompts = test_case.contains("question")
                                  ? TaskPrompts::ForQuestion(test_case["question"])
                                  : TaskPrompts::ForSummary(test_case.value("focus", ""));
  if (step.starts_with("refine")) {
    return prompts.Refine(passages, Said(test_case["answer"], passages)).prompt;
  }
  if (step == "map_question") return prompts.Part(passages).prompt;
  if (!test_case.contains("notes")) return prompts.Whole(passages).prompt;
  std::vector<CitedText> notes;
  for (const std::string note : test_case["notes"]) notes.push_back(Said(note, {}));
  return prompts.Merge(notes).prompt;
}

TEST(PromptCasesTest, RendersTheRecordedPrompts) {
  std::ifstream file(kCases);
  const json cases = json::parse(file);
  EXPECT_GE(cases.size(), 7u);
  for (const json& test_case : cases) {
    const Prompt prompt = Render(test_case);
    EXPECT_EQ(prompt.system, test_case["system"].get<std::string>()) << test_case["step"];
    EXPECT_EQ(prompt.user, test_case["user"].get<std::string>()) << test_case["step"];
  }
}

}  // namespace
}  // namespace quire::services
