#include "services/orchestrator/strategies/passage_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/fake_retriever.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::FakeRetriever;
using quire::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// About `count` passages of text.
std::string LongText(int count) {
  std::string text;
  for (int i = 0; i < count * 17; ++i) text += "This sentence has exactly fifty bytes, blank too. ";
  return text;
}

std::map<std::string, int> CountByDocument(const std::vector<Passage>& passages) {
  std::map<std::string, int> counts;
  for (const Passage& passage : passages) ++counts[passage.document];
  return counts;
}

TEST(PassageSamplerTest, EveryStartOfTheSpreadOrderIsSpread) {
  EXPECT_THAT(SpreadOrder(8), ElementsAre(0, 4, 2, 6, 1, 5, 3, 7));
  EXPECT_THAT(SpreadOrder(5), ElementsAre(0, 4, 2, 1, 3));
  EXPECT_THAT(SpreadOrder(1), ElementsAre(0));
  EXPECT_THAT(SpreadOrder(0), IsEmpty());
}

TEST(PassageSamplerTest, EachDocumentHasOneAndLongOnesMore) {
  FakeRetriever retriever({{"a", "A", LongText(1)}, {"b", "B", LongText(10)}, {"c", "C", "One."}});
  const auto documents = retriever.ListDocuments("", {});
  const auto passages = SamplePassages(*documents, 8, retriever);
  ASSERT_THAT(passages, IsOk());
  EXPECT_THAT(*passages, SizeIs(8));
  const auto counts = CountByDocument(*passages);
  EXPECT_EQ(counts.at("a"), 1);
  EXPECT_EQ(counts.at("b"), 6);
  EXPECT_EQ(counts.at("c"), 1);
  EXPECT_THAT(CountByDocument({passages->begin(), passages->begin() + 3}), SizeIs(3));
}

TEST(PassageSamplerTest, TooManyDocumentsAreSampledThemselves) {
  std::vector<FakeRetriever::Document> many;
  for (int i = 0; i < 40; ++i) many.push_back({"d" + std::to_string(i), "D", LongText(2)});
  FakeRetriever retriever(many);
  const auto documents = retriever.ListDocuments("", {});
  const auto passages = SamplePassages(*documents, 4, retriever);
  ASSERT_THAT(passages, IsOk());
  ASSERT_THAT(*passages, SizeIs(4));
  EXPECT_EQ((*passages)[0].document, "d0");
  EXPECT_EQ((*passages)[1].document, "d20");
  EXPECT_EQ(retriever.num_reads(), 4);
}

TEST(PassageSamplerTest, ShortDocumentsGiveWhatTheyHave) {
  FakeRetriever retriever({{"a", "A", "One."}, {"b", "B", " \n"}});
  const auto documents = retriever.ListDocuments("", {});
  const auto passages = SamplePassages(*documents, 8, retriever);
  ASSERT_THAT(passages, IsOk());
  EXPECT_THAT(*passages, SizeIs(1));
}

}  // namespace
}  // namespace quire::services
