#include "services/orchestrator/strategies/coverage.h"

#include <gtest/gtest.h>

namespace quire::services {
namespace {

TEST(CoverageTrackerTest, CountsOverlappingBytesOnce) {
  CoverageTracker tracker;
  tracker.AddDocument("b", 100);
  tracker.AddDocument("a", 50);
  tracker.AddDocument("b", 7);
  tracker.AddRead("b", 10, 30);
  tracker.AddRead("b", 60, 70);
  tracker.AddRead("b", 20, 40);
  tracker.AddRead("b", 25, 26);
  const auto report = tracker.Report();
  ASSERT_EQ(report.size(), 2u);
  EXPECT_EQ(report[0].document(), "b");
  EXPECT_EQ(report[0].text_bytes(), 100);
  EXPECT_EQ(report[0].bytes_read(), 40);
  EXPECT_EQ(report[1].document(), "a");
  EXPECT_EQ(report[1].bytes_read(), 0);
}

}  // namespace
}  // namespace quire::services
