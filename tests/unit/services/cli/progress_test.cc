#include "services/cli/progress.h"

#include <gtest/gtest.h>

namespace quire::services::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ProgressTest, EstimatesWhatIsLeftFromWhatIsDone) {
  EXPECT_EQ(FormatProgress("map", 10, 40, seconds(5), 80),
            "map 10/40 [======>                 ] ETA 0:15");
  EXPECT_EQ(FormatProgress("map", 1, 100, seconds(2), 80),
            "map 1/100 [>                       ] ETA 3:18");
}

TEST(ProgressTest, MakesNoEstimateBeforeTheFirstOrAfterTheLastItem) {
  EXPECT_EQ(FormatProgress("map", 0, 4, seconds(5), 80), "map 0/4 [>                       ]");
  EXPECT_EQ(FormatProgress("map", 4, 4, seconds(5), 80), "map 4/4 [========================]");
}

TEST(ProgressTest, ShowsTheStageAloneWhereTheTotalIsNotKnown) {
  EXPECT_EQ(FormatProgress("loading", 0, 0, milliseconds(0), 80), "loading");
  EXPECT_EQ(FormatProgress("adding", 7, 0, milliseconds(0), 80), "adding 7");
}

TEST(ProgressTest, StaysWithinTheTerminal) {
  EXPECT_EQ(FormatProgress("map", 10, 40, seconds(5), 12), "map 10/40 [");
  EXPECT_EQ(FormatProgress("map", 10, 40, seconds(5), 0), "");
}

}  // namespace
}  // namespace quire::services::cli
