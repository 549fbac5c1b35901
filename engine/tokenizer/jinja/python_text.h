#pragma once

#include <string>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

// Values as Python prints them.

namespace quire::engine::jinja {

// str(value), what "{{ value }}" prints: a text as it is, nothing for undefined.
StatusOr<Value> Str(const Value& value, Runtime& runtime);
// repr(value): texts in quotes.
StatusOr<Text> Repr(const Value& value, Runtime& runtime);
// The shortest digits that read back as the same number: "1.0", "1e+16", "nan".
std::string FloatRepr(double value);

}  // namespace quire::engine::jinja
