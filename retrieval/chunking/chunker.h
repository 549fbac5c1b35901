#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "retrieval/chunking/token_counter.h"
#include "retrieval/parsing/parser.h"

namespace quire::retrieval {

// A stretch of a document that is embedded and found as one.
struct Chunk {
  std::size_t start = 0;  // byte range of the text; no white space at its ends
  std::size_t end = 0;
  std::int32_t num_tokens = 0;        // as counted on the chunk's text, special tokens not counted
  std::vector<std::string> headings;  // in force where it starts, outermost first
};

struct ChunkingOptions {
  std::int32_t chunk_tokens = 200;   // positive
  std::int32_t overlap_tokens = 25;  // 0 to chunk_tokens / 2
};

// The chunk size that a request of `chunk_tokens` means for a model that takes `max_tokens`: 0 is
// 200, or max_tokens if that is less. Returns INVALID_ARGUMENT if it is negative or more than the
// model takes.
StatusOr<std::int32_t> ResolveChunkTokens(std::int32_t chunk_tokens, std::int32_t max_tokens);
// Likewise the overlap: unset is chunk_tokens / 8. Returns INVALID_ARGUMENT if it is negative or
// more than half a chunk.
StatusOr<std::int32_t> ResolveOverlapTokens(std::optional<std::int32_t> overlap_tokens,
                                            std::int32_t chunk_tokens);

// Cuts documents into chunks of whole sentences, as many as fit into chunk_tokens. A chunk repeats
// the last sentences of the one before, at most overlap_tokens of them. A heading starts a chunk,
// without overlap, unless the chunk before it would hold less than a quarter of chunk_tokens, and
// is never the end of one. Only white space is in no chunk. The same document gives the same
// chunks.
//
// A chunk is also limited to 32 bytes per token of chunk_tokens: white space and what a tokenizer
// calls unknown have next to no tokens but would make a chunk of any length.
//
// Thread-safe if `counter` is.
class Chunker {
 public:
  // Requires options in the ranges above.
  Chunker(const ChunkingOptions& options, TokenCounter counter);

  // Returns INVALID_ARGUMENT if a single character has more tokens than a chunk may have; errors
  // of the counter as they are. Counts each sentence and each chunk once, so the number of calls
  // is linear in the text.
  StatusOr<std::vector<Chunk>> Split(const ParsedDocument& document) const;

 private:
  const ChunkingOptions options_;
  const TokenCounter counter_;
};

}  // namespace quire::retrieval
