#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

// The attribute argument of map, sort and others: "function.name" or "0" or an index, followed
// from an element step by step. Without it, elements stand for themselves.
class AttributePath {
 public:
  // `attribute` may be null or none.
  static StatusOr<AttributePath> Parse(const Value* attribute);
  StatusOr<Value> Of(const Value& element, Runtime& runtime) const;

 private:
  std::vector<Value> steps_;
  std::vector<Text> names_;  // what text steps refer to
};

struct SortOptions {
  bool reverse = false;
  bool ignore_case = true;
};

using KeyOf = std::function<StatusOr<Value>(const Value& element)>;

// `value`, in lower case if it is a text.
StatusOr<Value> FoldCase(const Value& value, Runtime& runtime);
// Sorts `items` by their keys. Stable; INVALID_ARGUMENT if keys have no order.
Status SortBy(std::vector<Value>& items, const KeyOf& key_of, const SortOptions& options,
              Runtime& runtime);

}  // namespace quire::engine::jinja
