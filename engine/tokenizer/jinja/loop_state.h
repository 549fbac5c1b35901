#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

// The variable `loop` inside a for statement. Fetches elements one by one, and one ahead only if
// asked, because the loop's filter may depend on what its body did.
class LoopState {
 public:
  // Gives the next element that passes the loop's filter; nothing at the end.
  using Source = std::function<StatusOr<std::optional<Value>>()>;
  // Runs the loop's body over other elements, for recursive loops.
  using Recursion = std::function<StatusOr<Value>(const Value& items, std::int64_t depth)>;

  // `size`: the number of elements, if it is known before the loop runs.
  LoopState(Source source, std::optional<std::int64_t> size, std::int64_t depth,
            Recursion recursion);

  // Moves on; nothing at the end.
  StatusOr<std::optional<Value>> Next();

  // loop.index, loop.last and so on; nothing for an unknown name.
  StatusOr<std::optional<Value>> Attribute(std::string_view name, Runtime& runtime);
  // Ends the loop for good: the source and the recursion are not called any more.
  void Detach();
  // loop(items) of a recursive loop.
  StatusOr<Value> Recurse(const Value& items) const;

 private:
  StatusOr<bool> IsLast();
  StatusOr<std::int64_t> Length();

  Source source_;
  std::optional<std::int64_t> size_;
  const std::int64_t depth_;
  Recursion recursion_;
  std::int64_t index_ = -1;
  std::optional<Value> previous_;
  std::optional<Value> current_;
  std::vector<Value> ahead_;          // fetched, not visited; the next one at the back
  std::optional<Arguments> changed_;  // of the last loop.changed(...)

  friend class LoopChanged;
};

}  // namespace quire::engine::jinja
