#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/sampling/constraints/automaton.h"
#include "engine/sampling/constraints/vocabulary_trie.h"

namespace quire::engine {

// What an output must be, compiled for one vocabulary. Made by ConstraintCompiler.
//
// Thread-safe: immutable.
class Constraint {
 public:
  // The trie's owners: the compiler and its constraints.
  Constraint(constraints::Automaton automaton,
             std::shared_ptr<const constraints::VocabularyTrie> vocabulary);

  const constraints::Automaton& automaton() const { return automaton_; }
  const constraints::VocabularyTrie& vocabulary() const { return *vocabulary_; }
  // No other constraint of this process has it.
  std::uint64_t serial() const { return serial_; }

 private:
  const constraints::Automaton automaton_;
  const std::shared_ptr<const constraints::VocabularyTrie> vocabulary_;
  const std::uint64_t serial_;
};

// Where one output stands in its constraint: a function of its tokens.
//
// Thread-compatible.
class ConstraintMatcher {
 public:
  // The constraint's owners: the compiler's cache and the matchers. `strips_leading_space`: one
  // space at the beginning of the output is not part of its text (IncrementalDetokenizer).
  ConstraintMatcher(std::shared_ptr<const Constraint> constraint, bool strips_leading_space);

  // Goes on by one token. False if the constraint does not allow it; then the matcher is of no use.
  // Requires: 0 <= id < vocabulary().vocab_size().
  bool Accept(TokenId id);

  // True if the output may end here.
  bool IsAccepting() const;

  const Constraint& constraint() const { return *constraint_; }
  constraints::StateId state() const { return state_; }
  // States to go on from when the rule of state() ends, and so on; the last is the first to come.
  const std::vector<constraints::StateId>& stack() const { return stack_; }
  // A space that comes next is left out.
  bool strips_next_space() const { return strips_next_space_; }

 private:
  std::shared_ptr<const Constraint> constraint_;
  constraints::StateId state_;
  std::vector<constraints::StateId> stack_;
  bool strips_next_space_;
};

}  // namespace quire::engine
