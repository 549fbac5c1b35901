#include "engine/scheduler/step_budget.h"

#include <gtest/gtest.h>

namespace quire::engine {
namespace {

TEST(StepBudgetTest, WithoutACrossoverTokensAreWork) {
  StepBudget budget(10, 0);
  EXPECT_EQ(budget.Fit(1'000'000, 4, 0), 4);
  EXPECT_EQ(budget.Fit(0, 40, 0), 10);
  EXPECT_EQ(budget.Fit(0, 40, 3), 7);
  EXPECT_EQ(budget.Fit(0, 40, 30), 0);
  budget.Take(0, 6);
  EXPECT_EQ(budget.tokens(), 4);
  EXPECT_EQ(budget.Fit(0, 40, 0), 4);
}

TEST(StepBudgetTest, AtTheCrossoverATokenIsTwiceTheWork) {
  const StepBudget budget(100, 1'000);
  EXPECT_NEAR(budget.Fit(0, 1'000, 0), 95, 1);
  EXPECT_NEAR(budget.Fit(1'000, 1'000, 0), 49, 1);
  EXPECT_NEAR(budget.Fit(9'000, 1'000, 0), 10, 1);
}

TEST(StepBudgetTest, WhatFitsLeavesNoWork) {
  for (const std::int32_t position : {0, 10, 500, 20'000}) {
    StepBudget budget(300, 700);
    const std::int32_t count = budget.Fit(position, 300, 0);
    ASSERT_GT(count, 0);
    budget.Take(position, count);
    // What is left is less than one more token.
    EXPECT_EQ(budget.Fit(position + count, 300, 0), 0) << position;
  }
}

TEST(StepBudgetTest, WorkBelowZeroLeavesNothing) {
  StepBudget budget(16, 10);
  budget.Take(1'000, 1);
  EXPECT_EQ(budget.tokens(), 15);
  EXPECT_EQ(budget.Fit(0, 15, 0), 0);
}

}  // namespace
}  // namespace quire::engine
