#include "services/orchestrator/citations/marker_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "services/orchestrator/citations/marker.h"
#include "services/orchestrator/packing/ascii.h"

namespace quire::services {
namespace {

TEST(MarkerFilterTest, KeepsKnownMarkers) {
  EXPECT_EQ(FilterMarkers("Leave is 30 days [1]. Notice is two weeks[3].", 3),
            "Leave is 30 days [1]. Notice is two weeks[3].");
}

TEST(MarkerFilterTest, WritesListsAsSingleMarkers) {
  EXPECT_EQ(FilterMarkers("So it is [1, 3; 2].", 3), "So it is [1][3][2].");
}

TEST(MarkerFilterTest, RemovesUnknownNumbersWithTheSpaceBefore) {
  EXPECT_EQ(FilterMarkers("So it is [99]. And [1, 98] that [4][5]", 3), "So it is. And [1] that");
  EXPECT_EQ(FilterMarkers("[99] So it is", 3), "So it is");
  EXPECT_EQ(FilterMarkers("[1]", 0), "");
}

TEST(MarkerFilterTest, LeavesOtherBracketsAlone) {
  EXPECT_EQ(FilterMarkers("a[0] = b[i], see [Smith] and [", 3), "a[0] = b[i], see [Smith] and [");
}

TEST(MarkerFilterTest, RemovesWhiteSpaceAtBothEnds) {
  EXPECT_EQ(FilterMarkers(" \n A b\n\nc [1] \n", 1), "A b\n\nc [1]");
  EXPECT_EQ(FilterMarkers(" \n ", 1), "");
}

TEST(MarkerFilterTest, HoldsBackOnlyWhatMayChange) {
  MarkerFilter filter(2);
  EXPECT_EQ(filter.Push("Leave"), "Leave");
  EXPECT_EQ(filter.Push(" is"), " is");
  EXPECT_EQ(filter.Push(" ["), "");
  EXPECT_EQ(filter.Push("9"), "");
  EXPECT_EQ(filter.Push("] x"), " x");
  EXPECT_EQ(filter.Push("[1"), "");
  EXPECT_EQ(filter.Finish(), "[1");
}

TEST(MarkerFilterTest, RemovingAMarkerMakesNoOther) {
  EXPECT_EQ(FilterMarkers("[[99]1]", 3), "[(99)1]");
  EXPECT_EQ(FilterMarkers("[1,[99]2]", 3), "[1,(99)2]");
}

// Any text, cut anywhere: the same result, and no marker in it but known ones of one number.
TEST(MarkerFilterTest, ResultDoesNotDependOnTheCuts) {
  std::mt19937 random(20261128);
  const std::string alphabet = "[[]]1259,; ab\n.";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t i = random() % 24; i > 0; --i) text += alphabet[random() % alphabet.size()];
    const int num_sources = static_cast<int>(random() % 20);
    const std::string whole = FilterMarkers(text, num_sources);

    MarkerFilter filter(num_sources);
    std::string joined;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = 1 + random() % 5;
      joined += filter.Push(std::string_view(text).substr(at, size));
      at += size;
    }
    joined += filter.Finish();

    ASSERT_EQ(joined, whole) << text;
    ASSERT_EQ(FilterMarkers(whole, num_sources), whole) << text;
    ASSERT_EQ(TrimAscii(whole), whole) << text;
    const auto refuse = [](int) -> std::optional<int> { return std::nullopt; };
    std::size_t num_markers = 0;
    for (std::size_t i = whole.find('['); i < whole.size(); i = whole.find('[', i + 1)) {
      if (MatchMarker(std::string_view(whole).substr(i)).kind == MarkerMatch::Kind::kWhole) {
        ++num_markers;
      }
    }
    ASSERT_EQ(FindMarkers(whole, num_sources).size(), num_markers) << text << " -> " << whole;
    ASSERT_TRUE(FindMarkers(RewriteMarkers(whole, refuse), 1 << 20).size() <= num_markers);
  }
}

}  // namespace
}  // namespace quire::services
