#include "services/orchestrator/packing/part_packer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/orchestrator/packing/ascii.h"
#include "services/orchestrator/prompts/task_prompts.h"
#include "services/server/error_details.h"
#include "tests/support/fake_language_model.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/orchestrator/random_documents.h"

namespace quire::services {
namespace {

using quire::testing::AlwaysSays;
using quire::testing::FakeLanguageModel;
using quire::testing::IsOk;
using quire::testing::RandomDocuments;
using ::testing::SizeIs;

// `count` sentences of five words.
std::string Sentences(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "This is sentence number " + std::to_string(i) + ". ";
  return text;
}

class PartPackerTest : public ::testing::Test {
 protected:
  StatusOr<std::vector<Part>> Pack(const std::vector<SourceDocument>& documents,
                                   std::int32_t max_prompt_tokens,
                                   std::int32_t max_parts = 100'000) {
    const auto prompt_of = [this](const std::vector<Passage>& passages) {
      return prompts_.Part(passages).prompt;
    };
    PartPacker packer(
        model_, documents, prompt_of,
        {.max_prompt_tokens = max_prompt_tokens, .max_parts = max_parts, .field = "question"});
    return packer.Pack();
  }
  // Tokens of the prompt that shows these ranges.
  std::int32_t PromptTokens(const std::vector<SourceDocument>& documents,
                            const std::vector<TextRange>& ranges) {
    return FakeLanguageModel::PromptTokens(prompts_.Part(PassagesOf(documents, ranges)).prompt);
  }

  FakeLanguageModel model_{1'000'000, AlwaysSays("x")};
  const TaskPrompts prompts_ = TaskPrompts::ForQuestion("Why?");
};

TEST_F(PartPackerTest, FillsAPromptToTheLastToken) {
  const std::vector<SourceDocument> documents = {
      {.name = "a", .title = "A", .version = 0, .text = Sentences(8)}};
  const std::int32_t all = PromptTokens(documents, JoinIntoPassages(CutIntoUnits(documents)));

  const auto at_limit = Pack(documents, all);
  ASSERT_THAT(at_limit, IsOk());
  ASSERT_THAT(*at_limit, SizeIs(1));
  EXPECT_EQ(at_limit->front().prompt_tokens, all);

  const auto one_less = Pack(documents, all - 1);
  ASSERT_THAT(one_less, IsOk());
  ASSERT_THAT(*one_less, SizeIs(2));
  EXPECT_EQ(one_less->front().prompt_tokens, all - 5);  // without the last sentence

  const auto one_more = Pack(documents, all + 1);
  ASSERT_THAT(one_more, IsOk());
  EXPECT_THAT(*one_more, SizeIs(1));
}

TEST_F(PartPackerTest, CountsAboutThreePromptsForAPart) {
  const std::vector<SourceDocument> documents = {
      {.name = "a", .title = "A", .version = 0, .text = Sentences(5000)}};
  const auto parts = Pack(documents, 400);
  ASSERT_THAT(parts, IsOk());
  ASSERT_GT(parts->size(), 50u);
  EXPECT_LE(model_.num_counts(), static_cast<int>(3 * parts->size()));
}

TEST_F(PartPackerTest, CutsASentenceThatIsLongerThanAPrompt) {
  std::string text = "Short one. ";
  for (int i = 0; i < 500; ++i) text += "word ";
  text += "end. Short two.";
  const std::vector<SourceDocument> documents = {
      {.name = "a", .title = "A", .version = 0, .text = text}};
  const auto parts = Pack(documents, 150);
  ASSERT_THAT(parts, IsOk());
  ASSERT_GT(parts->size(), 4u);
  for (std::size_t i = 0; i + 1 < parts->size(); ++i) {
    const std::size_t end = (*parts)[i].ranges.back().end;
    EXPECT_EQ(text[end - 1], ' ') << "part " << i << " ends inside of a word";
    EXPECT_GE((*parts)[i].prompt_tokens, 150 - 8) << "part " << i;
  }
}

TEST_F(PartPackerTest, StopsCountingAtTooManyParts) {
  const std::vector<SourceDocument> documents = {
      {.name = "a", .title = "A", .version = 0, .text = Sentences(5000)}};
  const auto parts = Pack(documents, 400, /*max_parts=*/10);
  EXPECT_EQ(ErrorReason(parts.status()), kTooManyCalls);
  EXPECT_EQ(ErrorMetadata(parts.status(), "planned_calls"), "11");
  EXPECT_LE(model_.num_counts(), 40);

  const auto all = Pack(documents, 400);
  ASSERT_THAT(all, IsOk());
  EXPECT_THAT(Pack(documents, 400, static_cast<std::int32_t>(all->size())), IsOk());
}

TEST_F(PartPackerTest, RefusesAContextWithoutRoomForText) {
  const std::vector<SourceDocument> documents = {
      {.name = "a", .title = "A", .version = 0, .text = Sentences(8)}};
  const std::int32_t base = PromptTokens(documents, {});
  for (const std::int32_t limit : {base - 1, base, base + 2}) {
    const auto parts = Pack(documents, limit);
    EXPECT_EQ(ErrorReason(parts.status()), kContextLengthExceeded) << limit - base;
    EXPECT_EQ(ErrorMetadata(parts.status(), "limit"), std::to_string(limit));
  }
}

// Any documents, any limit: prompts fit, parts tile the text, no part could take one sentence more.
TEST_F(PartPackerTest, PartsFitAndTile) {
  for (std::uint32_t seed = 0; seed < 150; ++seed) {
    const auto documents = RandomDocuments(seed);
    const std::int32_t limit = PromptTokens(documents, {}) + 24 + static_cast<int>(seed * 7 % 300);
    const auto parts = Pack(documents, limit);
    ASSERT_THAT(parts, IsOk()) << "seed " << seed;
    std::vector<std::size_t> read(documents.size(), 0);
    for (const Part& part : *parts) {
      ASSERT_LE(part.prompt_tokens, limit);
      ASSERT_EQ(part.prompt_tokens, PromptTokens(documents, part.ranges));
      for (const TextRange& range : part.ranges) {
        ASSERT_EQ(range.start, read[range.document]) << "seed " << seed;
        read[range.document] = range.end;
      }
    }
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const bool is_blank = TrimAscii(documents[i].text).empty();
      ASSERT_EQ(read[i], is_blank ? 0 : documents[i].text.size()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace quire::services
