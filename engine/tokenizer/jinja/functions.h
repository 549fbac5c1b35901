#pragma once

#include <string_view>
#include <vector>

#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

struct Function {
  std::string_view name;
  const Callable* callable;
};

// What every template can call: range, namespace, dict, joiner, raise_exception, strftime_now.
const std::vector<Function>& Functions();

}  // namespace quire::engine::jinja
