#include "engine/tokenizer/jinja/attribute_path.h"

#include <algorithm>
#include <charconv>

#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/subscripts.h"

namespace quire::engine::jinja {

StatusOr<AttributePath> AttributePath::Parse(const Value* attribute) {
  AttributePath path;
  if (attribute == nullptr || attribute->is_none()) return path;
  if (attribute->is_integral()) {
    path.steps_.push_back(*attribute);
    return path;
  }
  if (!attribute->is_text()) {
    return InvalidArgument("attribute: wanted a name, have {}", TypeName(*attribute));
  }
  path.names_ = Split(attribute->text(), ".", -1);
  for (const Text& name : path.names_) {
    std::int64_t index = 0;
    const char* end = name.bytes().data() + name.size();
    const auto [parsed, error] = std::from_chars(name.bytes().data(), end, index);
    const bool is_index = error == std::errc() && parsed == end && name.bytes()[0] != '-';
    path.steps_.push_back(is_index ? Value::Integer(index) : Value::Of(&name));
  }
  return path;
}

StatusOr<Value> AttributePath::Of(const Value& element, Runtime& runtime) const {
  Value value = element;
  for (const Value& step : steps_) {
    QUIRE_ASSIGN_OR_RETURN(value, GetItem(value, step, runtime));
  }
  return value;
}

StatusOr<Value> FoldCase(const Value& value, Runtime& runtime) {
  if (!value.is_text()) return value;
  return runtime.arena().NewText(MapCase(value.text(), Casing::kLower));
}

Status SortBy(std::vector<Value>& items, const KeyOf& key_of, const SortOptions& options,
              Runtime& runtime) {
  std::vector<std::pair<Value, Value>> keyed;  // key, item
  for (const Value& item : items) {
    QUIRE_ASSIGN_OR_RETURN(Value key, key_of(item));
    if (options.ignore_case) {
      QUIRE_ASSIGN_OR_RETURN(key, FoldCase(key, runtime));
    }
    keyed.emplace_back(key, item);
  }
  // The algorithm cannot be left early: after an error everything compares as equal.
  Status status;
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    if (!status.ok()) return false;
    const StatusOr<bool> less = options.reverse ? Less(b.first, a.first, runtime.budget())
                                                : Less(a.first, b.first, runtime.budget());
    if (!less.ok()) status = less.status();
    return less.ok() && *less;
  });
  QUIRE_RETURN_IF_ERROR(status);
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = keyed[i].second;
  return OkStatus();
}

}  // namespace quire::engine::jinja
