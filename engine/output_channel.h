#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "base/status.h"
#include "engine/scheduler/request.h"

namespace quire::engine {

// Carries the output of one request from the engine thread to its reader. Events that the reader
// has not taken yet are joined, so a slow reader costs no more memory than its whole output.
//
// Thread-safe: one writer, one reader.
class OutputChannel {
 public:
  // Adds to what the reader gets next. The event with `finish` set is the last.
  void Write(OutputEvent event);
  // Ends the output with an error, after what was written. Nothing after the last event.
  void Fail(Status status);

  // See OutputStream::Next.
  StatusOr<std::optional<OutputEvent>> Read(std::chrono::milliseconds timeout);

  // The reader wants no more; the writer sees it at its next look.
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<OutputEvent> pending_;
  bool ended_ = false;
  Status error_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace quire::engine
