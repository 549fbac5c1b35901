#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace quire::engine {

// A mutex whose waiters get it in the order in which they came. With std::mutex a thread that locks
// again at once keeps the others out.
//
// Thread-safe; for std::lock_guard.
class FifoMutex {
 public:
  void lock() {
    std::unique_lock lock(mutex_);
    const std::uint64_t ticket = next_ticket_++;
    changed_.wait(lock, [&] { return ticket == serving_; });
  }
  void unlock() {
    {
      const std::lock_guard lock(mutex_);
      ++serving_;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ticket_ = 0;  // guarded by mutex_
  std::uint64_t serving_ = 0;      // guarded by mutex_
};

}  // namespace quire::engine
