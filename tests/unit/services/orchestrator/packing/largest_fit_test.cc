#include "services/orchestrator/packing/largest_fit.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::HasCode;

TEST(LargestFitTest, FindsTheBorderFromAnyGuess) {
  for (std::size_t high = 0; high < 40; ++high) {
    for (std::size_t border = 0; border <= high; ++border) {
      for (std::size_t guess = 0; guess <= high + 3; ++guess) {
        const auto fits = [&](std::size_t n) -> StatusOr<bool> {
          EXPECT_GE(n, 1u);
          EXPECT_LE(n, high);
          return n <= border;
        };
        const auto found = LargestFit(high, guess, fits);
        ASSERT_TRUE(found.ok());
        ASSERT_EQ(*found, border) << "high " << high << ", guess " << guess;
      }
    }
  }
}

TEST(LargestFitTest, GoodGuessTakesTwoCalls) {
  int calls = 0;
  const auto fits = [&](std::size_t n) -> StatusOr<bool> {
    ++calls;
    return n <= 700;
  };
  ASSERT_EQ(*LargestFit(100'000, 700, fits), 700u);
  EXPECT_EQ(calls, 2);
}

TEST(LargestFitTest, BadGuessTakesFewCalls) {
  int calls = 0;
  const auto fits = [&](std::size_t n) -> StatusOr<bool> {
    ++calls;
    return n <= 70'000;
  };
  ASSERT_EQ(*LargestFit(100'000, 1, fits), 70'000u);
  EXPECT_LT(calls, 40);
}

TEST(LargestFitTest, PassesErrorsOn) {
  const auto fits = [](std::size_t) -> StatusOr<bool> { return Unavailable("away"); };
  EXPECT_THAT(LargestFit(5, 1, fits), HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace quire::services
