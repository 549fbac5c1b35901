#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace quire::engine {

// Calls `visit(begin, end)` for each extended grapheme cluster of `text`, in order: a character
// with the marks that belong to it. Source: UAX #29, by ICU. Requires valid UTF-8.
void ForEachGraphemeCluster(std::string_view text,
                            const std::function<void(std::size_t begin, std::size_t end)>& visit);

}  // namespace quire::engine
