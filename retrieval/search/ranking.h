#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "retrieval/chunk_id.h"
#include "retrieval/index/chunk_filter.h"
#include "retrieval/index/lexical_index.h"
#include "retrieval/index/vector_index.h"

namespace quire::retrieval {

enum class SearchMode {
  kDense,    // cosine similarity of embeddings
  kLexical,  // BM25
  kHybrid,   // both lists, joined by reciprocal rank
};

struct RankedChunk {
  ChunkId chunk{};
  double score = 0;                       // what the order is by
  std::optional<double> similarity{};     // if it was among the dense candidates
  std::optional<double> lexical_score{};  // if it was among the lexical ones
};

struct RankingQuery {
  SearchMode mode = SearchMode::kHybrid;
  std::string text;                     // unless dense
  std::vector<float> vector;            // unless lexical: [dimension], unit length
  std::int64_t top_k = 10;              // positive
  const ChunkFilter* filter = nullptr;  // null: all chunks
  // If set, only the best chunk for each value counts: the document it belongs to.
  std::function<std::uint64_t(ChunkId)> group{};
};

// Joins two rankings, best first: a chunk's score is the sum of 1 / (60 + rank) over the lists that
// hold it, with ranks from 1. Equal scores in order of id.
//
// Source: Cormack, Clarke and Buettcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and
// individual Rank Learning Methods".
std::vector<RankedChunk> FuseReciprocalRanks(std::span<const VectorIndex::Hit> dense,
                                             std::span<const LexicalIndex::Hit> lexical);

// The `top_k` best chunks, best first; fewer if there are fewer. The order does not depend on
// top_k: hybrid search always joins lists of 1,000.
StatusOr<std::vector<RankedChunk>> RankChunks(const VectorIndex& vectors, const LexicalIndex& words,
                                              const RankingQuery& query);

}  // namespace quire::retrieval
