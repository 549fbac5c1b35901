#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/sampling/constraints/constraint_compiler.h"
#include "tests/support/listed_tokenizer.h"

// Constraints over the vocabulary of single bytes, so that tests read as text.

namespace quire::testing {

class ByteConstraints {
 public:
  using Compiled = std::shared_ptr<const engine::Constraint>;

  // Patient unless a test is about time: the machine may be busy, the build slow.
  static constexpr engine::constraints::CompileLimits kPatient = {.time = std::chrono::minutes(1)};

  explicit ByteConstraints(const engine::constraints::CompileLimits& limits = kPatient)
      : tokenizer_(ByteTokens()), compiler_(tokenizer_, 256, {}, limits) {}

  StatusOr<Compiled> Choice(std::vector<std::string> choices) {
    return compiler_.Compile(engine::ChoiceConstraint{std::move(choices)});
  }
  StatusOr<Compiled> Regex(std::string pattern) {
    return compiler_.Compile(engine::RegexConstraint{std::move(pattern)});
  }
  StatusOr<Compiled> Schema(std::string schema) {
    return compiler_.Compile(engine::JsonSchemaConstraint{std::move(schema)});
  }
  engine::ConstraintCompiler& compiler() { return compiler_; }

  // True if `text` is a whole output of the constraint.
  static bool Accepts(const StatusOr<Compiled>& constraint, std::string_view text) {
    EXPECT_TRUE(constraint.ok()) << constraint.status();
    if (!constraint.ok()) return false;
    engine::ConstraintMatcher matcher(*constraint, /*strips_leading_space=*/false);
    for (const char byte : text) {
      if (!matcher.Accept(static_cast<unsigned char>(byte))) return false;
    }
    return matcher.IsAccepting();
  }

 private:
  ListedTokenizer tokenizer_;
  engine::ConstraintCompiler compiler_;
};

// Whole outputs of a constraint, one pattern or schema against many texts.
struct Examples {
  std::string constraint;
  std::vector<std::string> accepted;
  std::vector<std::string> refused;
};

}  // namespace quire::testing
