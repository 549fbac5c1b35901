#include "engine/tokenizer/jinja/arguments.h"

#include <algorithm>

#include "engine/tokenizer/jinja/operators.h"

namespace quire::engine::jinja {

StatusOr<BoundArguments> BoundArguments::Bind(std::string_view callee, const Arguments& arguments,
                                              std::initializer_list<std::string_view> parameters,
                                              std::size_t required) {
  BoundArguments bound;
  bound.callee_ = callee;
  bound.parameters_ = parameters;
  bound.values_.resize(parameters.size());
  if (arguments.positional.size() > parameters.size()) {
    return InvalidArgument("{}: wanted at most {} arguments, have {}", callee, parameters.size(),
                           arguments.positional.size());
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    bound.values_[i] = arguments.positional[i];
  }
  for (const auto& [name, value] : arguments.keyword) {
    const auto found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end()) {
      return InvalidArgument("{}: wanted a known parameter, have \"{}\"", callee, name);
    }
    bound.values_[static_cast<std::size_t>(found - parameters.begin())] = value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!bound.values_[i]) {
      return InvalidArgument("{}: wanted the argument \"{}\", have none", callee,
                             bound.parameters_[i]);
    }
  }
  return bound;
}

Status BoundArguments::WrongType(std::size_t i, std::string_view wanted) const {
  if (values_[i] && values_[i]->is_undefined()) {
    return InvalidArgument("{}: {}", callee_, values_[i]->UndefinedMessage());
  }
  return InvalidArgument("{}: {}: wanted {}, have {}", callee_, parameters_[i], wanted,
                         values_[i] ? TypeName(*values_[i]) : "nothing");
}

StatusOr<std::int64_t> BoundArguments::Integer(std::size_t i, std::int64_t fallback) const {
  if (!values_[i] || values_[i]->is_none()) return fallback;
  if (!values_[i]->is_integral()) return WrongType(i, "an integer");
  return values_[i]->integer();
}

bool BoundArguments::Bool(std::size_t i, bool fallback) const {
  return values_[i] ? Truth(*values_[i]) : fallback;
}

StatusOr<const Text*> BoundArguments::GetText(std::size_t i, const Text* fallback) const {
  if (!values_[i] && fallback != nullptr) return fallback;
  if (!values_[i] || !values_[i]->is_text()) return WrongType(i, "a string");
  return &values_[i]->text();
}

}  // namespace quire::engine::jinja
