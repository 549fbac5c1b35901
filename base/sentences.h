#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace quire {

// Byte offsets where the sentences of `text` end (exclusive), ascending; the last one is
// text.size(). White space after a sentence belongs to it, so the pieces joined are the text. A
// blank line, a Markdown heading, list item or table row ends a sentence too, and a fenced code
// block is one. An abbreviation ("e.g.", "Dr.", "No. 5") does not. Empty for an empty text.
//
// Boundaries of ICU for the root locale, filtered. Requires valid UTF-8. Linear time. Thread-safe.
std::vector<std::size_t> SentenceEnds(std::string_view text);

}  // namespace quire
