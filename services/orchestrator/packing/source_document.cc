#include "services/orchestrator/packing/source_document.h"

#include <algorithm>

#include "base/utf8.h"
#include "services/orchestrator/packing/ascii.h"

namespace quire::services {

std::string_view Content(std::string_view text, const TextRange& range) {
  const std::size_t start = std::max(range.start, std::min(range.end, ByteOrderMarkBytes(text)));
  return TrimAscii(text.substr(start, range.end - start));
}

std::vector<Passage> PassagesOf(std::span<const SourceDocument> documents,
                                std::span<const TextRange> ranges) {
  std::vector<Passage> passages;
  for (const TextRange& range : ranges) {
    const SourceDocument& document = documents[range.document];
    const std::string_view text = document.text;
    const std::string_view trimmed = Content(text, range);
    if (trimmed.empty()) continue;
    const auto start = static_cast<std::int64_t>(trimmed.data() - text.data());
    passages.push_back({.document = document.name,
                        .title = document.title,
                        .version = document.version,
                        .start = start,
                        .end = start + static_cast<std::int64_t>(trimmed.size()),
                        .text = std::string(trimmed),
                        .headings = {}});
  }
  return passages;
}

}  // namespace quire::services
