#include "services/orchestrator/strategies/concurrent_calls.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace quire::services {
namespace {

// The state that the threads of one RunConcurrently share.
class CallQueue {
 public:
  CallQueue(std::size_t count, const ConcurrentCalls& calls)
      : calls_(calls), finished_(count, false) {}

  // Runs calls until none is left or one has failed.
  void Work() {
    for (;;) {
      std::size_t index = 0;
      {
        const std::lock_guard lock(mutex_);
        if (next_ == finished_.size() || !status_.ok()) return;
        index = next_++;
      }
      Finish(index, calls_.run(index, stop_.get_token()));
    }
  }

  // Reports what finishes until all has, or something failed.
  Status Report() {
    std::size_t reported_done = 0;
    std::size_t next_to_report = 0;
    std::unique_lock lock(mutex_);
    while (status_.ok() && next_to_report < finished_.size()) {
      changed_.wait(lock, [&] { return num_done_ != reported_done; });
      reported_done = num_done_;
      std::size_t last = next_to_report;
      while (last < finished_.size() && finished_[last]) ++last;
      if (!status_.ok()) break;
      lock.unlock();
      const Status status = ReportRange(reported_done, next_to_report, last);
      next_to_report = last;
      lock.lock();
      if (status_.ok()) status_ = status;
    }
    const Status status = status_;
    lock.unlock();
    if (!status.ok()) stop_.request_stop();
    return status;
  }

 private:
  void Finish(std::size_t index, const Status& status) {
    {
      const std::lock_guard lock(mutex_);
      finished_[index] = status.ok();
      ++num_done_;
      if (status_.ok()) status_ = status;
    }
    if (!status.ok()) stop_.request_stop();
    changed_.notify_all();
  }

  Status ReportRange(std::size_t num_done, std::size_t first, std::size_t last) {
    QUIRE_RETURN_IF_ERROR(calls_.on_progress(num_done));
    for (; first < last; ++first) QUIRE_RETURN_IF_ERROR(calls_.on_finished(first));
    return OkStatus();
  }

  const ConcurrentCalls& calls_;
  std::stop_source stop_;
  std::condition_variable changed_;  // num_done_ grew
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<bool> finished_;
  std::size_t next_ = 0;
  std::size_t num_done_ = 0;
  Status status_;  // the first error
};

}  // namespace

Status RunConcurrently(std::size_t count, std::size_t max_concurrent,
                       const ConcurrentCalls& calls) {
  CallQueue queue(count, calls);
  std::vector<std::jthread> threads;
  try {
    while (threads.size() < std::min(count, max_concurrent)) {
      threads.emplace_back([&queue] { queue.Work(); });
    }
  } catch (const std::system_error& error) {
    if (threads.empty()) {
      return ResourceExhausted("answer: wanted a thread for a model call, have {}", error.what());
    }
  }
  return queue.Report();
}

}  // namespace quire::services
