#include "engine/sampling/stop_checker.h"

#include <gtest/gtest.h>

#include <random>

namespace quire::engine {
namespace {

struct Result {
  std::string text;
  std::string match;
};

Result Feed(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  StopChecker checker(stops);
  Result result;
  for (const std::string& piece : pieces) result.text += checker.Push(piece);
  if (checker.match().empty()) result.text += checker.Finish();
  result.match = checker.match();
  return result;
}

TEST(StopCheckerTest, WithoutStopStringsTextPasses) {
  StopChecker checker({});
  EXPECT_EQ(checker.Push("abc"), "abc");
}

TEST(StopCheckerTest, StartOfAStopStringIsHeldBack) {
  StopChecker checker({"\n\nUser:"});
  EXPECT_EQ(checker.Push("hi\n"), "hi");
  EXPECT_EQ(checker.Push("\nUs"), "");
  EXPECT_EQ(checker.Push("age"), "\n\nUsage");
  EXPECT_EQ(checker.Push("\n\nUser: x"), "");
  EXPECT_EQ(checker.match(), "\n\nUser:");
  EXPECT_EQ(checker.Push("more"), "");
}

TEST(StopCheckerTest, HeldBackTextComesAtTheEnd) {
  StopChecker checker({"END"});
  EXPECT_EQ(checker.Push("the EN"), "the ");
  EXPECT_EQ(checker.Finish(), "EN");
}

TEST(StopCheckerTest, OverlappingStartsAreSeen) {
  // The first "aa" is no match, but the second 'a' begins one.
  const Result result = Feed({"aab"}, {"a", "a", "a", "b", "c"});
  EXPECT_EQ(result.text, "a");
  EXPECT_EQ(result.match, "aab");
}

TEST(StopCheckerTest, FirstCompleteMatchCountsLongestAmongEquals) {
  EXPECT_EQ(Feed({"abcd", "bc"}, {"xabcd"}).match, "bc");
  EXPECT_EQ(Feed({"b", "ab"}, {"xab"}).match, "ab");
  EXPECT_EQ(Feed({"b", "ab"}, {"xab"}).text, "x");
}

TEST(StopCheckerTest, ResultDoesNotDependOnHowTheTextIsCut) {
  const std::vector<std::string> stops = {"abab", "bba", "aabb"};
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += random() % 2 == 0 ? 'a' : 'b';
    const Result whole = Feed(stops, {text});
    std::vector<std::string> pieces;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t size = random() % 4;
      pieces.push_back(text.substr(begin, size));
      begin += size;
    }
    const Result cut = Feed(stops, pieces);
    ASSERT_EQ(cut.text, whole.text) << text;
    ASSERT_EQ(cut.match, whole.match) << text;
    for (const std::string& stop : stops) {
      ASSERT_EQ(cut.text.find(stop), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace quire::engine
