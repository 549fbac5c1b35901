#include "services/orchestrator/prompts/task_prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire::services {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

Passage MakePassage(const std::string& title, const std::string& text) {
  return {.document = title,
          .title = title,
          .version = 0,
          .start = 0,
          .end = static_cast<std::int64_t>(text.size()),
          .text = text,
          .headings = {}};
}

TEST(TaskPromptsTest, PassagesAreNumberedAndBeforeTheQuestion) {
  Passage second = MakePassage("Price list", "A pump costs 90 euros.");
  second.headings = {"Parts", "Pumps"};
  const NumberedPrompt prompt = TaskPrompts::ForQuestion("What does a pump cost?")
                                    .Whole({MakePassage("Handbook", "Leave is 30 days."), second});
  EXPECT_EQ(prompt.prompt.user,
            "[1] Handbook\nLeave is 30 days.\n\n"
            "[2] Price list > Parts > Pumps\nA pump costs 90 euros.\n\n"
            "Question: What does a pump cost?");
  EXPECT_THAT(prompt.prompt.system, HasSubstr("The documents do not say."));
  EXPECT_THAT(prompt.sources, SizeIs(2));
}

TEST(TaskPromptsTest, PromptsAboutTheSamePassagesBeginAlike) {
  const std::vector<Passage> passages = {MakePassage("a", "Some text.")};
  const Prompt first = TaskPrompts::ForQuestion("One?").Whole(passages).prompt;
  const Prompt second = TaskPrompts::ForQuestion("Two?").Whole(passages).prompt;
  EXPECT_EQ(first.system, second.system);
  EXPECT_EQ(first.user.substr(0, first.user.find("One?")),
            second.user.substr(0, second.user.find("Two?")));
}

TEST(TaskPromptsTest, ForeignTextHasNoMarkersAndNoKeys) {
  const NumberedPrompt prompt =
      TaskPrompts::ForQuestion("What is in [3]?")
          .Whole({MakePassage("Title [7]\nnext", "See [7]. {question} [2] x")});
  EXPECT_EQ(prompt.prompt.user,
            "[1] Title (7) next\nSee (7). {question} (2) x\n\nQuestion: What is in (3)?");
}

TEST(TaskPromptsTest, LongTitlesAreCut) {
  const NumberedPrompt prompt =
      TaskPrompts::ForQuestion("q").Whole({MakePassage(std::string(500, 't'), "text")});
  EXPECT_LT(prompt.prompt.user.size(), 200u);
}

TEST(TaskPromptsTest, FocusIsOptional) {
  const std::vector<Passage> passages = {MakePassage("a", "Some text.")};
  EXPECT_THAT(TaskPrompts::ForSummary("prices").Whole(passages).prompt.user,
              HasSubstr("Focus on: prices"));
  const std::string without = TaskPrompts::ForSummary(" ").Whole(passages).prompt.user;
  EXPECT_THAT(without, Not(HasSubstr("Focus")));
  EXPECT_EQ(without.back(), '.');
}

TEST(TaskPromptsTest, MergeNumbersTheSourcesOfAllResults) {
  const CitedText first = {.text = "Leave is 30 days [1].", .sources = {MakePassage("a", "x")}};
  const CitedText second = {.text = "Notice [1].", .sources = {MakePassage("b", "y")}};
  const std::vector<CitedText> results = {first, second};
  const NumberedPrompt prompt = TaskPrompts::ForQuestion("q").Merge(results);
  EXPECT_EQ(prompt.prompt.user, "- Leave is 30 days [1].\n- Notice [2].\n\nQuestion: q");
  ASSERT_THAT(prompt.sources, SizeIs(2));
  EXPECT_EQ(prompt.sources[1].document, "b");
}

TEST(TaskPromptsTest, RefineNumbersNamedSourcesAfterThePassages) {
  const CitedText so_far = {.text = "Leave is 30 days [1].", .sources = {MakePassage("a", "x")}};
  const NumberedPrompt prompt =
      TaskPrompts::ForQuestion("q").Refine({MakePassage("b", "y"), MakePassage("c", "z")}, so_far);
  EXPECT_THAT(prompt.prompt.user, HasSubstr("Answer so far: Leave is 30 days [3]."));
  ASSERT_THAT(prompt.sources, SizeIs(3));
  EXPECT_EQ(prompt.sources[2].document, "a");
}

TEST(TaskPromptsTest, KnowsWhenAReplyHasNoAnswer) {
  const TaskPrompts prompts = TaskPrompts::ForQuestion("q");
  EXPECT_TRUE(prompts.SaysNothing(""));
  EXPECT_TRUE(prompts.SaysNothing("The documents do not say."));
  EXPECT_TRUE(prompts.SaysNothing(" the documents do not say who built it"));
  EXPECT_FALSE(prompts.SaysNothing("The documents do not say when, but it costs 20 euros [2]."));
  EXPECT_FALSE(prompts.SaysNothing("30 days"));
  EXPECT_FALSE(TaskPrompts::ForSummary("").SaysNothing("The documents do not say."));
  EXPECT_TRUE(TaskPrompts::ForSummary("").SaysNothing(" "));
}

TEST(TaskPromptsTest, KnowsWhenAReplyMayStillHaveNoAnswer) {
  const TaskPrompts prompts = TaskPrompts::ForQuestion("q");
  EXPECT_TRUE(prompts.MaySayNothing(""));
  EXPECT_TRUE(prompts.MaySayNothing("The docu"));
  EXPECT_TRUE(prompts.MaySayNothing("The documents do not say when"));
  EXPECT_FALSE(prompts.MaySayNothing("The dog"));
  EXPECT_FALSE(TaskPrompts::ForSummary("").MaySayNothing("The docu"));
}

}  // namespace
}  // namespace quire::services
