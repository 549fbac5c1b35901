#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "retrieval/chunk_id.h"
#include "retrieval/index/chunk_filter.h"

namespace quire::retrieval {

// Nearest-neighbour search over chunk embeddings. Implementations: FaissIndex; a failing one in
// tests.
//
// Thread-safe: searches run concurrently; Add and Remove exclude everything else.
class VectorIndex {
 public:
  struct Hit {
    ChunkId chunk{};
    float similarity = 0;  // cosine, in [-1, 1] up to rounding
  };
  virtual ~VectorIndex() = default;

  // Adds one embedding per chunk. `embeddings`: [chunks.size(), dimension()] f32, unit length.
  // Returns ALREADY_EXISTS, with no change, if ids do not ascend from those added before, and
  // RESOURCE_EXHAUSTED, with no change, if memory is short.
  virtual Status Add(std::span<const ChunkId> chunks, std::span<const float> embeddings) = 0;

  // Chunks that are not there are no error.
  virtual void Remove(std::span<const ChunkId> chunks) = 0;

  // The `k` chunks most similar to `query`, best first, of those in `filter` unless it is null;
  // fewer if there are fewer. Equal ones in order of id (but which of them the `k`-th is, is
  // open). `query`: [dimension()] f32, unit length.
  virtual StatusOr<std::vector<Hit>> Search(std::span<const float> query, std::int64_t k,
                                            const ChunkFilter* filter) const = 0;

  virtual std::int32_t dimension() const = 0;
  // Chunks that can be found.
  virtual std::int64_t size() const = 0;
};

}  // namespace quire::retrieval
