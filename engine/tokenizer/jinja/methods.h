#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

using MethodFunction = StatusOr<Value> (*)(const Value& self, const Arguments& arguments,
                                           Runtime& runtime);

struct Method {
  std::string_view name;
  MethodFunction function;
};

std::span<const Method> TextMethods();  // of str
std::span<const Method> ListMethods();  // of list
std::span<const Method> DictMethods();  // of dict

// The method `name` bound to `object`; nothing if its type has none of this name. The only way
// from a template to code.
std::optional<Value> FindMethod(const Value& object, std::string_view name, Runtime& runtime);

}  // namespace quire::engine::jinja
