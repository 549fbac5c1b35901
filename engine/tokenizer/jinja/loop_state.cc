#include "engine/tokenizer/jinja/loop_state.h"

#include <algorithm>

#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {

// loop.changed(values...): true if they differ from those of the last call.
class LoopChanged final : public Callable {
 public:
  explicit LoopChanged(LoopState& loop) : loop_(loop) {}

  StatusOr<Value> Call(Runtime& runtime, const Arguments& arguments) const override {
    bool same = loop_.changed_.has_value() &&
                loop_.changed_->positional.size() == arguments.positional.size();
    for (std::size_t i = 0; same && i < arguments.positional.size(); ++i) {
      QUIRE_ASSIGN_OR_RETURN(
          same, Equal(loop_.changed_->positional[i], arguments.positional[i], runtime.budget()));
    }
    if (!same) loop_.changed_ = arguments;
    return Value::Bool(!same);
  }

 private:
  LoopState& loop_;
};

namespace {

// loop.cycle(values...): the value of this iteration.
class LoopCycle final : public Callable {
 public:
  explicit LoopCycle(std::int64_t index) : index_(index) {}

  StatusOr<Value> Call(Runtime&, const Arguments& arguments) const override {
    if (arguments.positional.empty()) {
      return InvalidArgument("loop.cycle: wanted values, have none");
    }
    return arguments.positional[static_cast<std::size_t>(index_) % arguments.positional.size()];
  }

 private:
  const std::int64_t index_;
};

}  // namespace

LoopState::LoopState(Source source, std::optional<std::int64_t> size, std::int64_t depth,
                     Recursion recursion)
    : source_(std::move(source)), size_(size), depth_(depth), recursion_(std::move(recursion)) {}

StatusOr<std::optional<Value>> LoopState::Next() {
  std::optional<Value> next;
  if (!ahead_.empty()) {
    next = ahead_.back();
    ahead_.pop_back();
  } else {
    QUIRE_ASSIGN_OR_RETURN(next, source_());
  }
  if (next) {
    ++index_;
    previous_ = current_;
    current_ = next;
  }
  return next;
}

void LoopState::Detach() {
  source_ = [] { return std::optional<Value>(); };
  recursion_ = nullptr;
}

StatusOr<bool> LoopState::IsLast() {
  if (!ahead_.empty()) return false;
  QUIRE_ASSIGN_OR_RETURN(const std::optional<Value> next, source_());
  if (next) ahead_.push_back(*next);
  return !next;
}

StatusOr<std::int64_t> LoopState::Length() {
  if (size_) return *size_;
  std::reverse(ahead_.begin(), ahead_.end());
  while (true) {
    QUIRE_ASSIGN_OR_RETURN(const std::optional<Value> next, source_());
    if (!next) break;
    ahead_.push_back(*next);
  }
  std::reverse(ahead_.begin(), ahead_.end());
  size_ = index_ + 1 + static_cast<std::int64_t>(ahead_.size());
  return *size_;
}

StatusOr<Value> LoopState::Recurse(const Value& items) const {
  if (!recursion_) return InvalidArgument("loop: wanted a recursive loop to call, have another");
  return recursion_(items, depth_ + 1);
}

StatusOr<std::optional<Value>> LoopState::Attribute(std::string_view name, Runtime& runtime) {
  const auto integer = [](std::int64_t value) {
    return std::optional<Value>(Value::Integer(value));
  };
  if (name == "index") return integer(index_ + 1);
  if (name == "index0") return integer(index_);
  if (name == "depth") return integer(depth_ + 1);
  if (name == "depth0") return integer(depth_);
  if (name == "first") return std::optional<Value>(Value::Bool(index_ == 0));
  if (name == "length" || name == "revindex" || name == "revindex0") {
    QUIRE_ASSIGN_OR_RETURN(const std::int64_t length, Length());
    if (name == "length") return integer(length);
    return integer(length - index_ - (name == "revindex" ? 0 : 1));
  }
  if (name == "last" || name == "nextitem") {
    QUIRE_ASSIGN_OR_RETURN(const bool last, IsLast());
    if (name == "last") return std::optional<Value>(Value::Bool(last));
    if (!last) return std::optional<Value>(ahead_.back());
    return std::optional<Value>(runtime.arena().NewUndefined("there is no next item"));
  }
  if (name == "previtem") {
    if (index_ > 0) return previous_;
    return std::optional<Value>(runtime.arena().NewUndefined("there is no previous item"));
  }
  if (name == "cycle") {
    return std::optional<Value>(
        Value::Of(runtime.arena().Adopt(std::make_unique<LoopCycle>(index_))));
  }
  if (name == "changed") {
    return std::optional<Value>(
        Value::Of(runtime.arena().Adopt(std::make_unique<LoopChanged>(*this))));
  }
  return std::optional<Value>();
}

}  // namespace quire::engine::jinja
