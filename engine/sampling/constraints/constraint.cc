#include "engine/sampling/constraints/constraint.h"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <utility>

namespace quire::engine {
namespace {

using constraints::Automaton;
using constraints::StateId;

std::uint64_t NextSerial() {
  static std::atomic<std::uint64_t> next = 0;
  return next.fetch_add(1, std::memory_order_relaxed);
}

// A vector as Automaton::Read wants its stack.
class VectorStack {
 public:
  explicit VectorStack(std::vector<StateId>& states) : states_(states) {}

  int depth() const { return static_cast<int>(states_.size()); }
  bool Push(StateId state, int need) {
    if (Automaton::DepthToPush(depth(), need) > Automaton::kMaxDepth) return false;
    states_.push_back(state);
    return true;
  }
  bool Pop(StateId& state) {
    if (states_.empty()) return false;
    state = states_.back();
    states_.pop_back();
    return true;
  }

 private:
  std::vector<StateId>& states_;
};

}  // namespace

Constraint::Constraint(constraints::Automaton automaton,
                       std::shared_ptr<const constraints::VocabularyTrie> vocabulary)
    : automaton_(std::move(automaton)), vocabulary_(std::move(vocabulary)), serial_(NextSerial()) {}

ConstraintMatcher::ConstraintMatcher(std::shared_ptr<const Constraint> constraint,
                                     bool strips_leading_space)
    : constraint_(std::move(constraint)),
      state_(constraint_->automaton().start()),
      strips_next_space_(strips_leading_space) {}

bool ConstraintMatcher::Accept(TokenId id) {
  std::string_view bytes = constraint_->vocabulary().Bytes(id);
  if (bytes.empty()) return false;
  if (std::exchange(strips_next_space_, false) && bytes.front() == ' ') bytes.remove_prefix(1);
  VectorStack stack(stack_);
  const bool is_read = std::all_of(bytes.begin(), bytes.end(), [&](char byte) {
    return constraint_->automaton().Read(static_cast<std::uint8_t>(byte), state_, stack);
  });
  return is_read && constraint_->automaton().IsLive(state_, stack.depth());
}

bool ConstraintMatcher::IsAccepting() const {
  const auto is_final = [&](StateId state) { return constraint_->automaton().IsFinal(state); };
  return is_final(state_) && std::all_of(stack_.begin(), stack_.end(), is_final);
}

}  // namespace quire::engine
