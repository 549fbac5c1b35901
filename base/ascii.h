#pragma once

// Classes of ASCII characters, whatever the locale.

namespace quire {

constexpr bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace quire
