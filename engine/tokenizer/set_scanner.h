#pragma once

#include <memory>
#include <string_view>

#include "engine/tokenizer/split_pattern.h"

namespace quire::engine {

// A scanner for expressions of one set of listed characters and ranges: "[一-龥]+",
// "\s?[A-Za-z]+", "[\r\n]", "[0-9][0-9][0-9]". Null for all others.
std::unique_ptr<SplitPattern> NewSetScanner(std::string_view regex);

}  // namespace quire::engine
