#include "services/orchestrator/citations/cited_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/orchestrator/citations/citations.h"

namespace quire::services {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Passage PassageAt(const std::string& document, std::int64_t start) {
  return {.document = document,
          .title = document,
          .version = 1,
          .start = start,
          .end = start + 4,
          .text = "text",
          .headings = {}};
}

TEST(CitedTextTest, KeepsTheNamedSourcesInOrderOfAppearance) {
  const CitedText cited = {.text = "One [3]. Two [1]. One again [3].",
                           .sources = {PassageAt("a", 0), PassageAt("a", 4), PassageAt("b", 0)},
                           .truncated = true};
  const CitedText kept = KeepNamedSources(cited);
  EXPECT_EQ(kept.text, "One [1]. Two [2]. One again [1].");
  ASSERT_THAT(kept.sources, SizeIs(2));
  EXPECT_EQ(kept.sources[0].document, "b");
  EXPECT_EQ(kept.sources[1].document, "a");
  EXPECT_TRUE(kept.truncated);
}

TEST(CitedTextTest, SameRangeHasOneNumberInAPrompt) {
  SourceNumbers numbers;
  const CitedText first = {.text = "A [1].", .sources = {PassageAt("a", 0)}};
  const CitedText second = {.text = "B [1], C [2].",
                            .sources = {PassageAt("b", 0), PassageAt("a", 0)}};
  EXPECT_EQ(Renumber(first, numbers), "A [1].");
  EXPECT_EQ(Renumber(second, numbers), "B [2], C [1].");
  EXPECT_THAT(numbers.sources(), SizeIs(2));
}

TEST(CitationsTest, ListsEveryMarkerOfANumber) {
  const CitedText answer = {.text = "x [2] y [1][2]",
                            .sources = {PassageAt("a", 0), PassageAt("b", 0), PassageAt("c", 0)}};
  const auto citations = CitationsOf(answer, 16);
  ASSERT_THAT(citations, SizeIs(2));
  EXPECT_EQ(citations[0].number, 1);
  EXPECT_THAT(citations[0].marker_offsets, ElementsAre(8));
  EXPECT_EQ(citations[0].source.document, "a");
  EXPECT_EQ(citations[1].number, 2);
  EXPECT_THAT(citations[1].marker_offsets, ElementsAre(2, 11));
}

TEST(CitationsTest, WithoutMarkersListsWhatWasRead) {
  const CitedText answer = {.text = "x", .sources = {PassageAt("a", 0), PassageAt("b", 0)}};
  ASSERT_THAT(CitationsOf(answer, 16), SizeIs(2));
  EXPECT_THAT(CitationsOf(answer, 16)[1].marker_offsets, IsEmpty());
  EXPECT_THAT(CitationsOf(answer, 1), SizeIs(1));
}

}  // namespace
}  // namespace quire::services
