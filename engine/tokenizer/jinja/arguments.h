#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

// The arguments of a builtin by parameter: positional ones first, the rest by name.
class BoundArguments {
 public:
  // INVALID_ARGUMENT if one of the first `required` parameters is missing, or an argument has no
  // parameter.
  static StatusOr<BoundArguments> Bind(std::string_view callee, const Arguments& arguments,
                                       std::initializer_list<std::string_view> parameters,
                                       std::size_t required);

  // The argument for parameter `i`; null if it was not given.
  const Value* operator[](std::size_t i) const { return values_[i] ? &*values_[i] : nullptr; }

  // The same with a type; INVALID_ARGUMENT if it has another. `fallback` if it was not given.
  StatusOr<std::int64_t> Integer(std::size_t i, std::int64_t fallback) const;
  bool Bool(std::size_t i, bool fallback) const;
  // Requires that it was given, or has a fallback.
  StatusOr<const Text*> GetText(std::size_t i, const Text* fallback = nullptr) const;

 private:
  Status WrongType(std::size_t i, std::string_view wanted) const;

  std::string_view callee_;
  std::vector<std::string_view> parameters_;
  std::vector<std::optional<Value>> values_;
};

}  // namespace quire::engine::jinja
