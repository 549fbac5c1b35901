#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "engine/tokenizer/subword_model.h"

namespace quire::engine {

// The tokens of a long word by byte pair encoding, from windows that fit the caches of a core; the
// same as of the word as a whole.
//
// Why they are: merges left and right of a place know nothing of each other until one reaches over
// it, and that one depends on the two tokens at its sides alone. So tokens of two neighbouring
// stretches are those of both together if the token before the place between them and the token
// behind it, encoded as one text, are again these two. Where they are not, the window is widened.
// Source of the property: van Antwerpen and Neubeck 2024, "So many tokens, so little time".
//
// Thread-compatible.
class RunWindows {
 public:
  // Bytes of a window.
  static constexpr std::size_t kBytes = 1024;

  // Appends the tokens of word[begin, end) as if it stood alone.
  using Encode =
      std::function<void(std::size_t begin, std::size_t end, std::vector<SubwordToken>& tokens)>;

  // `by_character`: symbols are characters and a window must not cut one; else they are bytes.
  RunWindows(std::string_view word, bool by_character, Encode encode, std::size_t bytes = kBytes)
      : word_(word), by_character_(by_character), bytes_(bytes), encode_(std::move(encode)) {}

  // Appends the tokens of the whole word. Call once.
  void AppendTo(std::vector<SubwordToken>& tokens);

 private:
  struct Window {
    std::size_t begin;       // byte of the word
    std::size_t num_tokens;  // before it, of all
  };

  // Appends the window from `begin_` on. False if it does not go with what is before it, which is
  // taken back to where a wider window begins.
  bool AppendWindow(std::vector<SubwordToken>& tokens);
  // Appends the tokens of word[begin_, end).
  void EncodeWindow(std::size_t end, std::vector<SubwordToken>& tokens);
  // Takes back the last tokens of the window, which the text behind it may still change.
  void DropLast(std::size_t num_before, std::vector<SubwordToken>& tokens);
  // True if these neighbours stay what they are when encoded together.
  bool AreNeighbours(const SubwordToken& left, const SubwordToken& right);
  // The next beginning of a character at or before `at`.
  std::size_t CharacterBegin(std::size_t at) const;

  const std::string_view word_;
  const bool by_character_;
  const std::size_t bytes_;  // of a window
  const Encode encode_;
  std::size_t first_ = 0;      // tokens that were there before
  std::size_t begin_ = 0;      // of the next window
  std::size_t size_ = bytes_;  // of the next window
  std::vector<Window> windows_;
  std::vector<SubwordToken> together_;
  // The last window that was encoded: a run of one character has the same text in each.
  std::string_view known_text_;
  std::size_t known_begin_ = 0;
  std::vector<SubwordToken> known_tokens_;
};

}  // namespace quire::engine
