#pragma once

#include <cstdint>
#include <vector>

#include "retrieval/chunk_id.h"

namespace quire::retrieval {

// A set of chunks to search in: those of some documents, whose ids are consecutive. Immutable, so
// thread-safe.
class ChunkFilter {
 public:
  struct Range {
    ChunkId first{};
    std::uint64_t count = 0;
  };
  // Ranges in any order, without overlap.
  explicit ChunkFilter(std::vector<Range> ranges);

  bool Contains(ChunkId chunk) const;

 private:
  std::vector<Range> ranges_;  // ascending
};

}  // namespace quire::retrieval
