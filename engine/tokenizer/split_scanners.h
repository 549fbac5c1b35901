#pragma once

#include <memory>
#include <string_view>

#include "engine/tokenizer/split_pattern.h"

// The pre-tokenizer expressions of the model families served most, as scanners in linear time.
// Each match is a word with the space before it, a number, punctuation, or whitespace; the
// matches cover the text.

namespace quire::engine {

// GPT-2's expression, which is also that of a ByteLevel pre-tokenizer with use_regex.
std::unique_ptr<SplitPattern> NewGpt2Scanner();

// The scanner for exactly this expression, or null.
std::unique_ptr<SplitPattern> FindSplitScanner(std::string_view regex);

}  // namespace quire::engine
