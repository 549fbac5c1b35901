#pragma once

#include <memory>

#include "engine/tokenizer/piece_splitting.h"
#include "engine/tokenizer/pre_tokenizer.h"

// Pre-tokenizers that decide by one character at a time.

namespace quire::engine {

// Whitespace dropped; punctuation alone.
std::unique_ptr<PreTokenizer> NewBertPreTokenizer();
// `\w+|[^\w\s]+`: runs of word characters and runs of other characters; whitespace dropped.
std::unique_ptr<PreTokenizer> NewWhitespacePreTokenizer();
// Whitespace dropped.
std::unique_ptr<PreTokenizer> NewWhitespaceSplitPreTokenizer();
// Numbers alone, as a whole or digit by digit.
std::unique_ptr<PreTokenizer> NewDigitsPreTokenizer(bool individual_digits);
std::unique_ptr<PreTokenizer> NewPunctuationPreTokenizer(SplitBehavior behavior);
// Runs of one script. Kana count as Han; a space belongs to the script before it, and is dropped at
// the beginning.
std::unique_ptr<PreTokenizer> NewUnicodeScriptsPreTokenizer();
// Pieces of `length` characters. Requires: length > 0.
std::unique_ptr<PreTokenizer> NewFixedLengthPreTokenizer(std::size_t length);

}  // namespace quire::engine
