#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/jinja/token.h"

namespace quire::engine::jinja {

// Cuts a template into tokens; the last one is kEnd. Comments are gone, and so is the whitespace
// that "-" signs, trim_blocks and lstrip_blocks take away (both are on), and one line break at
// the end. INVALID_ARGUMENT with line and column for what is no token, and for brackets that do
// not match or are nested too deep.
StatusOr<std::vector<Token>> Tokenize(std::string_view source);

}  // namespace quire::engine::jinja
