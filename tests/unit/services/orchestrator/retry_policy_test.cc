#include "services/orchestrator/retry_policy.h"

#include <gtest/gtest.h>

#include "services/server/error_details.h"

namespace quire::services {
namespace {

using std::chrono::milliseconds;

Status Full(milliseconds delay) { return WithRetryInfo(ResourceExhausted("queue is full"), delay); }

TEST(RetryPolicyTest, RetriesOnlyWhatSaysWhenToComeBack) {
  RetryPolicy policy(1);
  EXPECT_TRUE(policy.Delay(Full(milliseconds(1)), 2).has_value());
  EXPECT_TRUE(policy.Delay(WithRetryInfo(Unavailable("loading"), milliseconds(1)), 2).has_value());
  EXPECT_FALSE(policy.Delay(ResourceExhausted("too large"), 2).has_value());
  EXPECT_FALSE(policy.Delay(Unavailable("no route"), 2).has_value());
  EXPECT_FALSE(policy.Delay(WithRetryInfo(Internal("bug"), milliseconds(1)), 2).has_value());
}

TEST(RetryPolicyTest, WaitsAsAskedButLongerEachTime) {
  RetryPolicy policy(1);
  for (int attempt = 2; attempt <= 5; ++attempt) {
    const milliseconds least = std::max(milliseconds(150), milliseconds(100 << (attempt - 2)));
    for (int i = 0; i < 100; ++i) {
      const auto delay = policy.Delay(Full(milliseconds(150)), attempt);
      ASSERT_TRUE(delay.has_value());
      EXPECT_GE(*delay, least);
      EXPECT_LE(*delay, least * 3 / 2);
    }
  }
}

TEST(RetryPolicyTest, CallsDoNotComeBackTogether) {
  RetryPolicy one(1);
  RetryPolicy other(2);
  EXPECT_NE(one.Delay(Full(milliseconds(10'000)), 2), other.Delay(Full(milliseconds(10'000)), 2));
}

TEST(RetryPolicyTest, GivesUp) {
  RetryPolicy policy(1);
  EXPECT_FALSE(policy.Delay(Full(milliseconds(1)), 6).has_value());
  EXPECT_FALSE(policy.Delay(Full(milliseconds(30'001)), 2).has_value());
}

}  // namespace
}  // namespace quire::services
