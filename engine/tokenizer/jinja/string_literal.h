#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quire::engine::jinja {

// The text of a string literal, given without its quotes: Python's backslash escapes resolved,
// but for \N{...}. Nothing if an escape is cut short or is no character.
std::optional<std::string> ResolveEscapes(std::string_view literal);

}  // namespace quire::engine::jinja
