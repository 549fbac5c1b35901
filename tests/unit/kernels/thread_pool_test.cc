#include "kernels/cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>

namespace quire::kernels::cpu {
namespace {

TEST(ThreadPoolTest, EveryPieceRunsOnce) {
  for (int num_threads : {1, 2, 5}) {
    ThreadPool pool(num_threads);
    EXPECT_EQ(pool.num_threads(), num_threads);
    for (std::int64_t pieces : {0, 1, 2, 3, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(pieces));
      pool.Run(pieces, [&](std::int64_t piece, int worker) {
        ASSERT_GE(worker, 0);
        ASSERT_LT(worker, num_threads);
        ++runs[static_cast<std::size_t>(piece)];
      });
      for (const std::atomic<int>& count : runs) EXPECT_EQ(count, 1);
    }
  }
}

TEST(ThreadPoolTest, ResultsAreVisibleToTheCaller) {
  ThreadPool pool(3);
  std::vector<int> values(64);
  for (int round = 1; round <= 2000; ++round) {
    pool.Run(64, [&](std::int64_t piece, int) { values[static_cast<std::size_t>(piece)] = round; });
    ASSERT_EQ(std::accumulate(values.begin(), values.end(), 0), 64 * round);
  }
}

TEST(ThreadPoolTest, WorkersTakePart) {
  ThreadPool pool(2);
  std::atomic<bool> worker_ran{false};
  // The caller holds its first piece until a worker has taken another one.
  pool.Run(2, [&](std::int64_t, int worker) {
    if (worker == 0) {
      worker_ran.wait(false);
    } else {
      worker_ran = true;
      worker_ran.notify_all();
    }
  });
  EXPECT_TRUE(worker_ran);
}

TEST(ThreadPoolTest, CallersTakeTurns) {
  ThreadPool pool(2);
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        pool.Run(4, [&](std::int64_t, int) {
          const int now = ++running;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          --running;
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_LE(most, 2);  // pieces of one call only
}

TEST(ThreadPoolTest, UsableCoresArePositive) { EXPECT_GE(NumUsableCores(), 1); }

}  // namespace
}  // namespace quire::kernels::cpu
