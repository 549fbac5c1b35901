#include "services/orchestrator/citations/marker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire::services {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = MarkerMatch::Kind;

TEST(MarkerTest, ReadsOneNumber) {
  const MarkerMatch match = MatchMarker("[12] follows");
  EXPECT_EQ(match.kind, Kind::kWhole);
  EXPECT_EQ(match.length_bytes, 4u);
  EXPECT_THAT(match.numbers, ElementsAre(12));
}

TEST(MarkerTest, ReadsAListOfNumbers) {
  const MarkerMatch match = MatchMarker("[ 1, 2;30 ]");
  EXPECT_EQ(match.kind, Kind::kWhole);
  EXPECT_EQ(match.length_bytes, 11u);
  EXPECT_THAT(match.numbers, ElementsAre(1, 2, 30));
}

TEST(MarkerTest, LeavesOtherBracketsAlone) {
  for (const char* text : {"", "1]", "[a]", "[]", "[0]", "[01]", "[1a]", "[1,]", "[1-3]", "[-1]",
                           "[1234567]", "[[1]]", "(1)"}) {
    EXPECT_EQ(MatchMarker(text).kind, Kind::kNone) << text;
  }
}

TEST(MarkerTest, KnowsThatAMarkerMayStillCome) {
  for (const char* text : {"[", "[ ", "[1", "[1 ", "[1,", "[1, ", "[1, 2"}) {
    EXPECT_EQ(MatchMarker(text).kind, Kind::kPrefix) << text;
  }
}

TEST(MarkerTest, GivesUpOnAMarkerThatIsTooLong) {
  std::string text = "[1";
  for (int i = 0; i < 40; ++i) text += ",1";
  EXPECT_EQ(MatchMarker(text).kind, Kind::kNone);
}

TEST(MarkerTest, EscapedTextHasNoMarkers) {
  EXPECT_EQ(EscapeMarkers("see [7], a[i], [1, 2] and [[3]]."), "see (7), a[i], (1, 2) and [(3)].");
  EXPECT_EQ(EscapeMarkers("[12"), "[12");
}

TEST(MarkerTest, RewritesKnownNumbersAndRemovesOthers) {
  const auto plus_ten = [](int number) -> std::optional<int> {
    if (number > 5) return std::nullopt;
    return number + 10;
  };
  EXPECT_EQ(RewriteMarkers("a [1] b [2, 9] c[7].", plus_ten), "a [11] b [12] c.");
}

TEST(MarkerTest, FindsMarkersWithTheirOffsets) {
  const std::vector<Marker> markers = FindMarkers("é [2], [9] [1]", 2);
  ASSERT_EQ(markers.size(), 2u);
  EXPECT_EQ(markers[0].number, 2);
  EXPECT_EQ(markers[0].offset, 3u);
  EXPECT_EQ(markers[1].number, 1);
  EXPECT_EQ(markers[1].offset, 12u);
  EXPECT_THAT(FindMarkers("", 2), IsEmpty());
}

}  // namespace
}  // namespace quire::services
