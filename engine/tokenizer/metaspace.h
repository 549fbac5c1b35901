#pragma once

#include <string_view>

namespace quire::engine {

// U+2581, which stands for a space in the pieces of SentencePiece models.
inline constexpr std::string_view kMetaspace = "\u2581";

}  // namespace quire::engine
