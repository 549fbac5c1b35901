#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/status.h"
#include "retrieval/parsing/media_type.h"

namespace quire::retrieval {

struct Heading {
  std::size_t start = 0;  // its first byte in the text, on the marker
  std::size_t end = 0;
  int level = 1;      // 1 (outermost) to 6
  std::string title;  // without markers; cut after 256 bytes, for it is repeated with each chunk
};

// What chunking works on and citations count in.
struct ParsedDocument {
  std::string text;               // valid UTF-8, not only white space
  std::vector<Heading> headings;  // in order
};

// Extracts the text of an uploaded document. Both media types are their own text, byte for byte;
// Markdown has headings besides.
//
// Returns INVALID_ARGUMENT if `bytes` are not valid UTF-8 (with the offset of the first bad byte),
// or hold nothing but white space.
StatusOr<ParsedDocument> ParseDocument(MediaType type, std::string bytes);

}  // namespace quire::retrieval
