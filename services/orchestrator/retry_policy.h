#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

#include "base/status.h"

namespace quire::services {

// When a model call is tried again: only if the service said when to come back (RetryInfo) with
// UNAVAILABLE or RESOURCE_EXHAUSTED. Other UNAVAILABLEs the channel has retried already.
//
// Thread-compatible.
class RetryPolicy {
 public:
  explicit RetryPolicy(std::uint32_t seed) : random_(seed) {}

  // How long to wait before attempt number `next_attempt`, counted from 1, or nothing if the call
  // is given up: the asked time, at least 100 ms doubled with each attempt, and up to half as much
  // on top, so that the calls of a map step do not come back together. Gives up after 5 attempts
  // and if asked to wait for more than 30 s.
  std::optional<std::chrono::milliseconds> Delay(const Status& status, int next_attempt);

 private:
  std::mt19937 random_;
};

}  // namespace quire::services
