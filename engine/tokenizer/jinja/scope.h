#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

// The variables of a block, inside those of the block around it. Loops, macros and a few other
// blocks open one; an assignment never reaches further out. Shared with the macros defined in it,
// which outlive the block.
class Scope {
 public:
  explicit Scope(std::shared_ptr<Scope> outer) : outer_(std::move(outer)) {}

  // The value of `name` here or further out, or null.
  const Value* Find(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer_.get()) {
      for (const auto& [known, value] : scope->variables_) {
        if (known == name) return &value;
      }
    }
    return nullptr;
  }
  void Set(std::string_view name, const Value& value) {
    for (auto& [known, old] : variables_) {
      if (known == name) {
        old = value;
        return;
      }
    }
    variables_.emplace_back(name, value);
  }

 private:
  const std::shared_ptr<Scope> outer_;
  std::vector<std::pair<std::string, Value>> variables_;
};

}  // namespace quire::engine::jinja
