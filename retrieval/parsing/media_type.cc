#include "retrieval/parsing/media_type.h"

#include <algorithm>
#include <string>

namespace quire::retrieval {

StatusOr<MediaType> ParseMediaType(std::string_view name) {
  for (const MediaType type : {MediaType::kPlainText, MediaType::kMarkdown}) {
    if (name == MediaTypeName(type)) return type;
  }
  return InvalidArgument("media type: wanted \"text/plain\" or \"text/markdown\", have \"{}\"",
                         name);
}

std::string_view MediaTypeName(MediaType type) {
  return type == MediaType::kMarkdown ? "text/markdown" : "text/plain";
}

MediaType MediaTypeOfFileName(std::string_view file_name) {
  std::string lower(file_name);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const bool markdown = lower.ends_with(".md") || lower.ends_with(".markdown");
  return markdown ? MediaType::kMarkdown : MediaType::kPlainText;
}

}  // namespace quire::retrieval
