#pragma once

#include <cstdint>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "retrieval/chunk_id.h"
#include "retrieval/index/chunk_filter.h"

namespace quire::retrieval {

// What the lexical index keeps of a chunk. Term ids are those of the index that analyzed it.
struct ChunkTerms {
  struct Count {
    std::uint32_t term = 0;
    std::uint32_t count = 0;
  };
  std::vector<Count> counts;  // by ascending term
  std::uint32_t length = 0;   // terms, repeats included
};

// Ranks chunks by the words they share with a query: BM25 with k1 = 1.2 and b = 0.75. In memory,
// to be filled from the store. Results depend on the chunks that are there alone, not on the way
// they came and went.
//
// Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond",
// eq. 3.15; idf as ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative.
//
// Thread-safe: searches run concurrently, and so does Analyze; Add and Remove exclude searches.
class LexicalIndex {
 public:
  struct Hit {
    ChunkId chunk{};
    double score = 0;  // positive
  };

  // Counts the terms of a chunk: the slow part of adding it, which blocks no search.
  ChunkTerms Analyze(std::string_view text);

  // Requires: ids ascend from those added before; `terms` from Analyze of this index, one per id.
  void Add(std::span<const ChunkId> chunks, std::span<const ChunkTerms> terms);

  // Chunks that are not there are no error.
  void Remove(std::span<const ChunkId> chunks);

  // The `k` best chunks that hold a term of the query, of those in `filter` unless it is null.
  // Equal ones in order of id.
  std::vector<Hit> Search(std::string_view query, std::int64_t k, const ChunkFilter* filter) const;

  // Chunks that can be found.
  std::int64_t size() const;

 private:
  struct Posting {
    std::uint32_t slot = 0;
    std::uint32_t count = 0;
  };
  struct Slot {
    ChunkId chunk{};
    std::vector<std::uint32_t> terms;  // to take its part in num_chunks back
    std::uint32_t length = 0;
    bool removed = false;
  };
  struct Term {
    std::vector<Posting> postings;  // by ascending slot, those of removed slots included
    std::uint32_t num_chunks = 0;   // those of removed slots not
  };

  // Known terms in order of first appearance, so that sums do not depend on term ids.
  std::vector<ChunkTerms::Count> QueryTerms(std::string_view query) const;
  void ScoreTerm(const Term& term, double weight, std::vector<double>& scores) const;
  void Compact();

  // Two locks: the dictionary only grows, so that analysis needs no part of the rest.
  mutable std::shared_mutex dictionary_mutex_;
  std::unordered_map<std::string, std::uint32_t> dictionary_;

  mutable std::shared_mutex mutex_;
  std::vector<Term> terms_;  // by term id; shorter than the dictionary if the last have no posting
  std::vector<Slot> slots_;  // ascending chunk ids
  std::size_t num_removed_ = 0;
  std::uint64_t total_length_ = 0;  // terms of all chunks that can be found
};

}  // namespace quire::retrieval
