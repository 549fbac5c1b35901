#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace quire::retrieval {

// Lets callers that come at the same time share one commit, and so one wait for the disk. The
// first in line leads: it carries out its own request and those behind it that may join, in order,
// while the others wait. So commits come one after the other, without a thread of their own.
//
// Source: LevelDB's writer queue. Thread-safe.
template <typename Request>
class CommitQueue {
 public:
  // Carries out the requests of a group, in order, and writes the outcome into each.
  using Commit = std::function<void(std::span<Request* const> group)>;
  // Whether `request` may be carried out together with those of `group`.
  using MayJoin = std::function<bool(std::span<Request* const> group, const Request& request)>;

  CommitQueue(Commit commit, MayJoin may_join)
      : commit_(std::move(commit)), may_join_(std::move(may_join)) {}

  // Returns when the request is carried out, by this thread or another.
  void Run(Request& request) {
    Entry entry{.request = &request};
    std::unique_lock lock(mutex_);
    entries_.push_back(&entry);
    entry.changed.wait(lock, [&] { return entry.done || entries_.front() == &entry; });
    if (entry.done) return;
    const std::vector<Request*> group = Group();
    lock.unlock();
    commit_(group);
    lock.lock();
    for (std::size_t i = 0; i < group.size(); ++i) {
      Entry* finished = entries_.front();
      entries_.pop_front();
      finished->done = true;
      if (finished != &entry) finished->changed.notify_one();
    }
    if (!entries_.empty()) entries_.front()->changed.notify_one();
  }

  // Requests in line, the ones being carried out included.
  std::size_t num_waiting() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  // On the stack of the thread that waits for it.
  struct Entry {
    Request* request = nullptr;
    bool done = false;
    std::condition_variable changed{};
  };

  // The front of the line, as far as requests may join.
  std::vector<Request*> Group() const {
    std::vector<Request*> group;
    for (const Entry* entry : entries_) {
      if (!group.empty() && !may_join_(group, *entry->request)) break;
      group.push_back(entry->request);
    }
    return group;
  }

  const Commit commit_;
  const MayJoin may_join_;
  mutable std::mutex mutex_;
  std::deque<Entry*> entries_;
};

}  // namespace quire::retrieval
