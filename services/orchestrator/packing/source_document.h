#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/orchestrator/retriever.h"

namespace quire::services {

// A document whose text is in memory.
struct SourceDocument {
  std::string name;  // resource name, or the id of an inline document
  std::string title;
  std::int64_t version = 0;  // 0 for inline documents
  std::string text;          // valid UTF-8
};

// The bytes [start, end) of the text of one of a task's documents.
struct TextRange {
  std::size_t document = 0;  // index
  std::size_t start = 0;
  std::size_t end = 0;

  std::size_t size_bytes() const { return end - start; }
};

// The bytes of `range` without white space at their ends, or a byte order mark at the start of the
// text. Borrows from `text`, the text of the range's document.
std::string_view Content(std::string_view text, const TextRange& range);

// The ranges as passages, each without white space at its ends. A range of white space alone has
// none.
std::vector<Passage> PassagesOf(std::span<const SourceDocument> documents,
                                std::span<const TextRange> ranges);

}  // namespace quire::services
