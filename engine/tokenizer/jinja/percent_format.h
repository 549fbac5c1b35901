#pragma once

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

// Python's `format % arguments`: %s %r %d %i %x %X %o %e %f %g %c %% with flags, width and
// precision, and %(name)s of a dict. INVALID_ARGUMENT if they do not go together.
StatusOr<Value> PercentFormat(const Text& format, const Value& arguments, Runtime& runtime);

}  // namespace quire::engine::jinja
