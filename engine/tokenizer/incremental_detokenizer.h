#pragma once

#include <optional>
#include <string>

#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Turns a stream of token ids into a stream of text that never splits a character: bytes of an
// unfinished UTF-8 sequence are held back until they are complete or proven invalid (U+FFFD).
// The pieces joined equal Tokenizer::Decode over all ids. Special tokens give no text.
//
// Thread-compatible. `tokenizer` must outlive it.
class IncrementalDetokenizer {
 public:
  // `continues` if the ids follow a prompt, so that the first one is not the first of a text.
  IncrementalDetokenizer(const Tokenizer& tokenizer, bool continues);

  // Text that became complete with `id`.
  std::string Push(TokenId id);
  // What is still held back, made valid. Call once, at the end.
  std::string Finish();

 private:
  const Tokenizer& tokenizer_;
  bool is_first_;                    // the next token is the first of the text
  std::optional<TokenId> previous_;  // the last that was no special token
  std::string pending_;              // bytes not given out yet
};

}  // namespace quire::engine
