#pragma once

#include <cstdint>
#include <vector>

#include "services/orchestrator/citations/cited_text.h"

namespace quire::services {

// A source of an answer.
struct SourceCitation {
  int number = 0;                            // "[number]" in the text
  std::vector<std::int64_t> marker_offsets;  // bytes; empty: read, but not named
  Passage source;
};

// The sources that the markers of `answer` name, in order of number. If it has no markers, its
// sources, at most `max_unnamed`.
std::vector<SourceCitation> CitationsOf(const CitedText& answer, std::size_t max_unnamed);

}  // namespace quire::services
