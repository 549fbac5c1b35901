#pragma once

#include <cstdint>

#include "base/status.h"

namespace quire::engine::jinja {

// What one rendering may use. A template is a program from a stranger: every loop, every copy and
// every level of nesting is counted.
struct Limits {
  std::int64_t steps = 1'000'000;       // nodes evaluated
  int depth = 100;                      // macro calls, or containers, inside each other
  int stack_levels = 1'000;             // expressions and blocks inside each other, over all calls
  std::int64_t range = 100'000;         // numbers in one range()
  std::int64_t text_bytes = 4 << 20;    // the output, or any single text
  std::int64_t total_bytes = 64 << 20;  // all texts and containers made, and bytes searched
};

// Counts down the limits of one rendering. Every method returns RESOURCE_EXHAUSTED once a limit
// is passed.
class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits), left_(limits) {}

  Status Step() {
    if (--left_.steps >= 0) return OkStatus();
    return ResourceExhausted("template steps: wanted at most {}, have more", limits_.steps);
  }
  Status Bytes(std::size_t count) {
    left_.total_bytes -= static_cast<std::int64_t>(count);
    if (left_.total_bytes >= 0) return OkStatus();
    return ResourceExhausted("template memory: wanted at most {} bytes, have more",
                             limits_.total_bytes);
  }
  // Checks the size of a text that is about to be made; charges nothing.
  Status TextSize(std::size_t size) const {
    if (static_cast<std::int64_t>(size) <= limits_.text_bytes) return OkStatus();
    return ResourceExhausted("template text: wanted at most {} bytes, have {}", limits_.text_bytes,
                             size);
  }
  const Limits& limits() const { return limits_; }

  // Brackets a level of one kind of nesting, for as long as it lives:
  // `const Nesting nesting(budget); QUIRE_RETURN_IF_ERROR(nesting.status());`
  template <int Limits::*kind>
  class Level {
   public:
    explicit Level(Budget& budget) : left_(budget.left_.*kind) {
      if (--left_ >= 0) return;
      status_ = ResourceExhausted("template nesting: wanted at most {} levels, have more",
                                  budget.limits_.*kind);
    }
    ~Level() { ++left_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    const Status& status() const { return status_; }

   private:
    int& left_;
    Status status_;
  };

 private:
  const Limits limits_;
  Limits left_;
};

// A call of a macro, or a container inside another.
class Nesting : public Budget::Level<&Limits::depth> {
  using Level::Level;
};
// A level of the interpreter's own recursion.
class StackLevel : public Budget::Level<&Limits::stack_levels> {
  using Level::Level;
};

}  // namespace quire::engine::jinja
