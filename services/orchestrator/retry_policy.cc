#include "services/orchestrator/retry_policy.h"

#include <algorithm>

#include "services/server/error_details.h"

namespace quire::services {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxAttempts = 5;
constexpr milliseconds kFirstDelay{100};
constexpr milliseconds kLongestDelay{30'000};

}  // namespace

std::optional<milliseconds> RetryPolicy::Delay(const Status& status, int next_attempt) {
  if (!absl::IsUnavailable(status) && !absl::IsResourceExhausted(status)) return std::nullopt;
  const std::optional<milliseconds> asked = RetryDelay(status);
  if (!asked || *asked > kLongestDelay || next_attempt > kMaxAttempts) return std::nullopt;
  const milliseconds least = std::max(*asked, kFirstDelay * (1 << (next_attempt - 2)));
  std::uniform_int_distribution<milliseconds::rep> jitter(0, least.count() / 2);
  return least + milliseconds(jitter(random_));
}

}  // namespace quire::services
