#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

#include "base/status.h"

namespace quire::services {

struct ConcurrentCalls {
  // One call; runs on a thread of its own. The token stops it when another one has failed.
  std::function<Status(std::size_t index, const std::stop_token& stop)> run;
  // On the calling thread: `num_done` calls have finished. An error stops all.
  std::function<Status(std::size_t num_done)> on_progress;
  // On the calling thread: call `index` and all before it have finished. In order of index. An
  // error stops all.
  std::function<Status(std::size_t index)> on_finished;
};

// Runs the calls 0 to count - 1, at most `max_concurrent` at a time, and returns when none runs any
// more. The first error, in time, stops the others and is returned.
Status RunConcurrently(std::size_t count, std::size_t max_concurrent, const ConcurrentCalls& calls);

}  // namespace quire::services
