#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/status.h"

namespace quire::engine::constraints {

// What the compilation of one constraint may use. A constraint is a program from a stranger.
struct CompileLimits {
  std::chrono::milliseconds time{1000};
  std::int32_t nfa_nodes = 1 << 17;
  std::int32_t nfa_edges = 1 << 20;
  std::int32_t states = 1 << 16;
  std::int32_t table_bytes = 16 << 20;
};

// Counts down the limits of one compilation. Once one is passed, every question says so and
// status() names it.
//
// Thread-compatible.
class CompileBudget {
 public:
  using Clock = std::chrono::steady_clock;

  explicit CompileBudget(const CompileLimits& limits)
      : limits_(limits), deadline_(Clock::now() + limits.time) {}

  // Counts work, about a few nanoseconds a step. False once a limit is passed.
  bool Spend(std::int64_t steps);
  // False, and exhausted, if a size is over its limit.
  bool AllowNfa(std::size_t nodes, std::size_t edges);
  bool AllowStates(std::size_t count, std::size_t table_bytes);

  bool exhausted() const { return !status_.ok(); }
  // INVALID_ARGUMENT that names the limit, or OK.
  const Status& status() const { return status_; }

 private:
  const CompileLimits limits_;
  const Clock::time_point deadline_;
  std::int64_t steps_until_look_ = 0;  // at the clock
  Status status_;
};

}  // namespace quire::engine::constraints
