#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/tokenizer/jinja/budget.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

// What builtins need of the rendering they run in.
class Runtime {
 public:
  Runtime(const Limits& limits, std::int64_t now_seconds)
      : budget_(limits), arena_(budget_), now_seconds_(now_seconds) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  Budget& budget() { return budget_; }
  Arena& arena() { return arena_; }
  std::int64_t now_seconds() const { return now_seconds_; }

 private:
  Budget budget_;
  Arena arena_;
  const std::int64_t now_seconds_;
};

}  // namespace quire::engine::jinja
