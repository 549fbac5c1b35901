#pragma once

#include <string_view>

#include "base/status.h"
#include "engine/tokenizer/jinja/ast.h"

namespace quire::engine::jinja {

// Parses a whole template. INVALID_ARGUMENT with line and column for whatever is no template.
// Knows for, if, set, macro, call, filter, with, break, continue and generation (which is
// transparent); other tags are refused.
StatusOr<Block> Parse(std::string_view source);

}  // namespace quire::engine::jinja
