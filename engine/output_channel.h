#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "base/status.h"
#include "engine/scheduler/request.h"

namespace quire::engine {

// Carries the outputs of one request from the engine thread to its reader. Events that the reader
// has not taken yet are joined, so a slow reader costs no more memory than its whole output.
//
// Thread-safe: one writer, one reader.
class OutputChannel {
 public:
  explicit OutputChannel(std::int32_t num_outputs = 1) : num_unfinished_(num_outputs) {}

  // Adds to what the reader gets next. The event with `finish` set is the last of its output.
  void Write(OutputEvent event);
  // Ends all outputs with an error, after what was written. Nothing after the last event.
  void Fail(Status status);

  // See OutputStream::Next.
  StatusOr<std::optional<OutputEvent>> Read(std::chrono::milliseconds timeout);

  // The reader wants no more; the writer sees it at its next look.
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  // True after Fail: what still runs for this reader is in vain.
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  // Tokens that the reader has not taken yet.
  std::int32_t num_unread_tokens() const { return num_unread_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<OutputEvent> pending_;  // at most one for each output
  std::int32_t num_unfinished_;
  Status error_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> failed_ = false;
  std::atomic<std::int32_t> num_unread_ = 0;
};

}  // namespace quire::engine
