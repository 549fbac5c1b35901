#pragma once

#include <string_view>

// White space in the sense of ASCII, the only kind that prompts are trimmed of.

namespace quire::services {

inline constexpr std::string_view kAsciiSpaces = " \t\n\v\f\r";

inline bool IsAsciiSpace(char c) { return kAsciiSpaces.find(c) != std::string_view::npos; }

// `text` without white space at its ends.
inline std::string_view TrimAscii(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kAsciiSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAsciiSpaces) - first + 1);
}

}  // namespace quire::services
