#pragma once

#include <memory>
#include <string_view>

#include "engine/tokenizer/split_pattern.h"

namespace quire::engine {

// A regular expression in the dialect of tokenizer.json files, run by PCRE2. Each search has a
// limit on steps and memory; where one exceeds it, what is left of the text is one match. Returns
// INVALID_ARGUMENT starting with `place` if `regex` does not compile or is longer than 16 KiB.
StatusOr<std::unique_ptr<SplitPattern>> NewRegexPattern(std::string_view regex,
                                                        std::string_view place);

}  // namespace quire::engine
