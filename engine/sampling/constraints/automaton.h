#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace quire::engine::constraints {

using StateId = std::int32_t;

// A deterministic automaton over bytes with a stack: reading a byte may push the states to go on
// from when a called rule ends, and a state that ends a rule may pop one. The cost of a byte is a
// table look-up, whatever the constraint. Made by Determinize.
//
// Thread-safe: immutable.
class Automaton {
 public:
  // Most states on the stack: how deep values may nest.
  static constexpr int kMaxDepth = 64;

  StateId start() const { return start_; }

  // Reads `byte` in `state`. False, with state and stack in between, if nothing goes on from here.
  // `Stack` has `bool Push(StateId, int need)`, false if a stack that holds `need` more states
  // would be too deep, and `bool Pop(StateId&)`, false if it is empty.
  template <typename Stack>
  bool Read(std::uint8_t byte, StateId& state, Stack& stack) const {
    const std::size_t column = class_of_[byte];
    while (true) {
      const std::int32_t move = moves_[Row(state) + column];
      if (move >= 0) {
        state = move;
        return true;
      }
      if (move != kNone)
        return Enter(calls_[static_cast<std::size_t>(kFirstCall - move)], state, stack);
      if (!is_final_[static_cast<std::size_t>(state)] || !stack.Pop(state)) return false;
    }
  }
  // The state after `byte` if no stack is needed to tell, else a negative number.
  std::int32_t Move(StateId state, std::uint8_t byte) const {
    return moves_[Row(state) + class_of_[byte]];
  }

  // True if `state` ends its rule: with an empty stack, the output may end here.
  bool IsFinal(StateId state) const { return is_final_[static_cast<std::size_t>(state)] != 0; }
  // How much deeper the stack must become for the rule of `state` to end; kMaxDepth + 1 if it
  // cannot, with the bytes that tokens of one byte have.
  int Need(StateId state) const { return needs_[static_cast<std::size_t>(state)]; }
  // True if an output can be completed from `state` over a stack of `depth`, one byte at a time.
  bool IsLive(StateId state, int depth) const { return depth + Need(state) <= kMaxDepth; }
  // The depth that pushing a state with `need` takes, on a stack of `depth`: its own place, and
  // later what its rule needs.
  static int DepthToPush(int depth, int need) { return depth + (need > 1 ? need : 1); }

  std::size_t num_states() const { return is_final_.size(); }
  std::size_t num_bytes() const;

 private:
  friend class Determinizer;

  // Moves: a state, nothing, or kFirstCall - index into calls_.
  static constexpr std::int32_t kNone = -1;
  static constexpr std::int32_t kFirstCall = -2;
  struct Call {
    StateId target = 0;
    std::int32_t first_push = 0;  // into pushes_; the last is on top
    std::int32_t num_pushes = 0;
  };

  std::size_t Row(StateId state) const { return static_cast<std::size_t>(state) * num_classes_; }

  template <typename Stack>
  bool Enter(const Call& call, StateId& state, Stack& stack) const {
    const auto first = pushes_.begin() + call.first_push;
    for (const StateId next : std::span(first, static_cast<std::size_t>(call.num_pushes))) {
      if (!stack.Push(next, Need(next))) return false;
    }
    state = call.target;
    return true;
  }

  StateId start_ = 0;
  std::size_t num_classes_ = 0;  // of bytes that are alike everywhere
  std::array<std::uint8_t, 256> class_of_{};
  std::vector<std::int32_t> moves_;  // [num_states, num_classes]
  std::vector<Call> calls_;
  std::vector<StateId> pushes_;
  std::vector<std::uint8_t> is_final_;  // [num_states]
  std::vector<std::uint8_t> needs_;     // [num_states]
};

}  // namespace quire::engine::constraints
