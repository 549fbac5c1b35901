#pragma once

#include <optional>
#include <string_view>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

// `object.name`: a method or attribute, then an item; undefined if there is neither. Reaches
// nothing but the methods of methods.h, items and the attributes of loops and namespaces.
// INVALID_ARGUMENT if `object` is undefined.
StatusOr<Value> GetAttribute(const Value& object, std::string_view name, Runtime& runtime);

// `object[key]`: an item, then a method or attribute; undefined if there is neither.
StatusOr<Value> GetItem(const Value& object, const Value& key, Runtime& runtime);

// The bounds of `object[start:stop:step]`; each may be missing.
struct SliceBounds {
  std::optional<std::int64_t> start;
  std::optional<std::int64_t> stop;
  std::optional<std::int64_t> step;
};
StatusOr<Value> GetSlice(const Value& object, const SliceBounds& bounds, Runtime& runtime);

}  // namespace quire::engine::jinja
