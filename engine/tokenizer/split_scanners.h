#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/tokenizer/split_pattern.h"

// The pre-tokenizer expressions of the model families served most, as scanners in linear time.

namespace quire::engine {

// GPT-2's expression, which is also that of a ByteLevel pre-tokenizer with use_regex.
std::unique_ptr<SplitPattern> NewGpt2Scanner();

// The scanner for this expression, or null.
std::unique_ptr<SplitPattern> FindSplitScanner(std::string_view regex);

// All expressions that have one, but for those of sets alone.
std::vector<std::string_view> ScannedRegexes();

}  // namespace quire::engine
