#pragma once

#include <span>
#include <string_view>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

using FilterFunction = StatusOr<Value> (*)(const Value& input, const Arguments& arguments,
                                           Runtime& runtime);

struct Filter {
  std::string_view name;
  FilterFunction function;
};

std::span<const Filter> TextFilters();  // about strings
std::span<const Filter> NumberFilters();
std::span<const Filter> SequenceFilters();  // about lists and dicts as a whole
std::span<const Filter> ElementFilters();   // that look into each element: map, select, sort, ...

// The filter `name`, or null.
FilterFunction FindFilter(std::string_view name);

}  // namespace quire::engine::jinja
