#pragma once

#include <string_view>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

using TestFunction = StatusOr<bool> (*)(const Value& subject, const Arguments& arguments,
                                        Runtime& runtime);

// The test `name` of "subject is name(arguments)", or null.
TestFunction FindTest(std::string_view name);

}  // namespace quire::engine::jinja
