#include "services/orchestrator/strategies/concurrent_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Status Nothing(std::size_t) { return OkStatus(); }

// Blocks until the token is asked to stop.
void WaitForStop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
}

TEST(ConcurrentCallsTest, ReportsInOrderThoughCallsFinishInAnother) {
  std::atomic<bool> second_done = false;
  std::vector<std::size_t> finished;
  std::vector<std::size_t> progress;
  const ConcurrentCalls calls = {.run =
                                     [&](std::size_t i, const std::stop_token&) {
                                       if (i == 0) second_done.wait(false);
                                       if (i == 1) {
                                         second_done = true;
                                         second_done.notify_all();
                                       }
                                       return OkStatus();
                                     },
                                 .on_progress =
                                     [&](std::size_t done) {
                                       progress.push_back(done);
                                       return OkStatus();
                                     },
                                 .on_finished =
                                     [&](std::size_t i) {
                                       finished.push_back(i);
                                       return OkStatus();
                                     }};
  EXPECT_THAT(RunConcurrently(4, 2, calls), IsOk());
  EXPECT_THAT(finished, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(progress.back(), 4u);
}

TEST(ConcurrentCallsTest, RunsAsManyAsAllowedAtOnceAndNoMore) {
  constexpr std::size_t kAtOnce = 3;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t running = 0;
  std::size_t most = 0;
  const ConcurrentCalls calls = {.run =
                                     [&](std::size_t i, const std::stop_token&) {
                                       std::unique_lock lock(mutex);
                                       most = std::max(most, ++running);
                                       changed.notify_all();
                                       // The first ones wait until all allowed are here.
                                       if (i < kAtOnce) {
                                         changed.wait(lock, [&] { return most >= kAtOnce; });
                                       }
                                       --running;
                                       return OkStatus();
                                     },
                                 .on_progress = Nothing,
                                 .on_finished = Nothing};
  EXPECT_THAT(RunConcurrently(20, kAtOnce, calls), IsOk());
  EXPECT_EQ(most, kAtOnce);
}

TEST(ConcurrentCallsTest, FirstErrorStopsTheOthers) {
  std::atomic<int> stopped = 0;
  const ConcurrentCalls calls = {.run = [&](std::size_t i, const std::stop_token& stop) -> Status {
                                   if (i == 2) return Unavailable("call 2 failed");
                                   WaitForStop(stop);
                                   ++stopped;
                                   return Cancelled("stopped");
                                 },
                                 .on_progress = Nothing,
                                 .on_finished = Nothing};
  EXPECT_THAT(RunConcurrently(100, 3, calls),
              FailsWith(absl::StatusCode::kUnavailable, "call 2 failed"));
  EXPECT_EQ(stopped, 2);
}

TEST(ConcurrentCallsTest, ErrorOfTheReporterStopsTheCalls) {
  const ConcurrentCalls calls = {.run = [&](std::size_t i, const std::stop_token& stop) -> Status {
                                   if (i > 0) WaitForStop(stop);
                                   return OkStatus();
                                 },
                                 .on_progress = Nothing,
                                 .on_finished = [](std::size_t) { return Cancelled("gone"); }};
  EXPECT_THAT(RunConcurrently(10, 2, calls), HasCode(absl::StatusCode::kCancelled));
}

TEST(ConcurrentCallsTest, NoCallsIsNoWork) {
  std::vector<std::size_t> finished;
  const ConcurrentCalls calls = {
      .run = [](std::size_t, const std::stop_token&) { return OkStatus(); },
      .on_progress = Nothing,
      .on_finished =
          [&](std::size_t i) {
            finished.push_back(i);
            return OkStatus();
          }};
  EXPECT_THAT(RunConcurrently(0, 4, calls), IsOk());
  EXPECT_THAT(finished, IsEmpty());
}

}  // namespace
}  // namespace quire::services
