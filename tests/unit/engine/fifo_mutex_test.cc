#include "engine/fifo_mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace quire::engine {
namespace {

TEST(FifoMutexTest, WhoLocksAgainWaitsForWhoCameBefore) {
  FifoMutex mutex;
  std::vector<int> order;
  mutex.lock();
  std::thread other([&] {
    const std::lock_guard lock(mutex);
    order.push_back(1);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until the other waits
  mutex.unlock();
  {
    const std::lock_guard lock(mutex);
    order.push_back(2);
  }
  other.join();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(FifoMutexTest, ExcludesOthers) {
  FifoMutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1'000; ++j) {
        const std::lock_guard lock(mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 4'000);
}

}  // namespace
}  // namespace quire::engine
