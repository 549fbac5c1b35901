#pragma once

#include <string_view>

#include "base/status.h"

namespace quire::retrieval {

// The kinds of document that can be read.
enum class MediaType { kPlainText, kMarkdown };

// "text/plain" or "text/markdown". Returns INVALID_ARGUMENT for any other name.
StatusOr<MediaType> ParseMediaType(std::string_view name);
std::string_view MediaTypeName(MediaType type);

// By the ending: .md and .markdown are Markdown, all else is plain text. Case does not matter.
MediaType MediaTypeOfFileName(std::string_view file_name);

}  // namespace quire::retrieval
