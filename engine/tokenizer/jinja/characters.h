#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/jinja/text.h"

// Texts as Python sees them: sequences of characters (code points). Every function keeps the
// origin of what it keeps.

namespace quire::engine::jinja {

// Offset of the character after the one at `at`. Requires: at < text.size().
std::size_t NextCharacter(std::string_view text, std::size_t at);
// Byte offset of the character number `index`; text.size() if there are fewer.
std::size_t OffsetOfCharacter(std::string_view text, std::size_t index);

// str.isspace for one character.
bool IsPythonSpace(char32_t c);

enum class Side { kBoth, kLeft, kRight };
// str.strip, lstrip, rstrip: drops whitespace, or the characters in `characters`.
Text Strip(const Text& text, Side side, const std::optional<std::string_view>& characters);

enum class Casing { kLower, kUpper, kTitle };
// Full case mapping of the whole text; kTitle maps every character to title case.
Text MapCase(const Text& text, Casing casing);
Text Capitalize(const Text& text);
// str.title: the first letter of each run of letters in title case, the others in lower case.
Text TitleCase(const Text& text);

// str.split and rsplit by `separator` (not empty), at most `max_splits` times if not negative.
std::vector<Text> Split(const Text& text, std::string_view separator, std::int64_t max_splits);
std::vector<Text> SplitRight(const Text& text, std::string_view separator, std::int64_t max_splits);
// str.split without separator: by runs of whitespace.
std::vector<Text> SplitWhitespace(const Text& text, std::int64_t max_splits);
std::vector<Text> SplitLines(const Text& text, bool keep_ends);

// str.replace; at most `max_count` times if not negative.
Text Replace(const Text& text, const Text& from, const Text& to, std::int64_t max_count);

// str.islower and so on: every character passes (cased ones only, for the cases), and one exists.
enum class CharacterTest { kSpace, kAlpha, kDigit, kAlnum, kLower, kUpper };
bool AllCharacters(std::string_view text, CharacterTest test);

}  // namespace quire::engine::jinja
