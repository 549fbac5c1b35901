#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace quire::engine {

// Rewrites a regular expression of Oniguruma, which tokenizer.json files are written for, into one
// of PCRE2 in UCP mode with the same matches: the classes \s, \w and \h and the scripts \p{...}
// have other members there, and unions of sets ("[a[bc]]") are unknown. INVALID_ARGUMENT starting
// with `place` for intersections and complements in a set, which PCRE2 would read as something
// else.
StatusOr<std::string> TranslateRegex(std::string_view regex, std::string_view place);

}  // namespace quire::engine
