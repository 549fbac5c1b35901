#include "retrieval/ingestion.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "retrieval/chunking/chunker.h"
#include "retrieval/parsing/parser.h"

namespace quire::retrieval {
namespace {

// Between looks at the fingerprint.
constexpr std::size_t kEmbeddingBatch = 1'024;

std::vector<std::string_view> ChunkTexts(std::string_view text,
                                         const std::vector<ChunkRecord>& chunks) {
  std::vector<std::string_view> texts;
  texts.reserve(chunks.size());
  for (const ChunkRecord& chunk : chunks) {
    texts.push_back(text.substr(static_cast<std::size_t>(chunk.start),
                                static_cast<std::size_t>(chunk.end - chunk.start)));
  }
  return texts;
}

StatusOr<std::vector<ChunkRecord>> SplitIntoChunks(const ParsedDocument& document,
                                                   const CollectionRecord& collection,
                                                   Embedder& embedder) {
  const Chunker chunker(
      {.chunk_tokens = collection.chunk_tokens, .overlap_tokens = collection.overlap_tokens},
      [&](std::span<const std::string_view> texts) {
        return embedder.CountTokens(collection.embedding_model, texts);
      });
  QUIRE_ASSIGN_OR_RETURN(std::vector<Chunk> chunks, chunker.Split(document));
  std::vector<ChunkRecord> records;
  records.reserve(chunks.size());
  for (Chunk& chunk : chunks) {
    records.push_back({.start = static_cast<std::int64_t>(chunk.start),
                       .end = static_cast<std::int64_t>(chunk.end),
                       .num_tokens = chunk.num_tokens,
                       .headings = std::move(chunk.headings)});
  }
  return records;
}

StatusOr<std::vector<float>> EmbedChunks(std::span<const std::string_view> texts,
                                         const CollectionRecord& collection, Embedder& embedder) {
  std::vector<float> vectors;
  const auto dimension = static_cast<std::size_t>(collection.embedding_dimension);
  vectors.reserve(texts.size() * dimension);
  while (!texts.empty()) {
    const auto batch = texts.first(std::min(texts.size(), kEmbeddingBatch));
    texts = texts.subspan(batch.size());
    QUIRE_ASSIGN_OR_RETURN(
        const Embedder::Result result,
        embedder.Embed(collection.embedding_model, batch, Embedder::InputType::kPassage));
    QUIRE_RETURN_IF_ERROR(CheckFingerprint(collection, result.fingerprint));
    if (result.vectors.size() != batch.size() * dimension) {
      return Internal("vectors of {} chunks: wanted {} numbers, have {}", batch.size(),
                      batch.size() * dimension, result.vectors.size());
    }
    vectors.insert(vectors.end(), result.vectors.begin(), result.vectors.end());
  }
  return vectors;
}

}  // namespace

StatusOr<PreparedDocument> PrepareDocument(NewDocument document, const CollectionRecord& collection,
                                           Embedder& embedder, LexicalIndex& words) {
  PreparedDocument prepared;
  prepared.record.size_bytes = static_cast<std::int64_t>(document.bytes.size());
  QUIRE_ASSIGN_OR_RETURN(ParsedDocument parsed,
                         ParseDocument(document.media_type, std::move(document.bytes)));
  DocumentContent& content = prepared.content;
  QUIRE_ASSIGN_OR_RETURN(content.chunks, SplitIntoChunks(parsed, collection, embedder));
  content.text = std::move(parsed.text);
  const std::vector<std::string_view> texts = ChunkTexts(content.text, content.chunks);
  QUIRE_ASSIGN_OR_RETURN(content.embeddings, EmbedChunks(texts, collection, embedder));
  prepared.terms.reserve(texts.size());
  for (const std::string_view text : texts) prepared.terms.push_back(words.Analyze(text));

  DocumentRecord& record = prepared.record;
  record.id = std::move(document.id);
  record.title = std::move(document.title);
  record.media_type = MediaTypeName(document.media_type);
  record.sha256 = std::move(document.sha256);
  record.text_bytes = static_cast<std::int64_t>(content.text.size());
  record.metadata = std::move(document.metadata);
  record.num_chunks = static_cast<std::int32_t>(content.chunks.size());
  return prepared;
}

Status CheckFingerprint(const CollectionRecord& collection, const std::string& fingerprint) {
  if (fingerprint == collection.embedding_fingerprint) return OkStatus();
  return FailedPrecondition(
      "embedding model {} of collection {}: wanted fingerprint {}, have {}; vectors of the two "
      "cannot be compared",
      collection.embedding_model, collection.id, collection.embedding_fingerprint, fingerprint);
}

}  // namespace quire::retrieval
