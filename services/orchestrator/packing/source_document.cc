#include "services/orchestrator/packing/source_document.h"

#include <string_view>

#include "services/orchestrator/packing/ascii.h"

namespace quire::services {

std::vector<Passage> PassagesOf(std::span<const SourceDocument> documents,
                                std::span<const TextRange> ranges) {
  std::vector<Passage> passages;
  for (const TextRange& range : ranges) {
    const SourceDocument& document = documents[range.document];
    const std::string_view text = document.text;
    const std::string_view trimmed = TrimAscii(text.substr(range.start, range.size_bytes()));
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
