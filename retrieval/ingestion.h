#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "retrieval/embedding/embedder.h"
#include "retrieval/index/lexical_index.h"
#include "retrieval/parsing/media_type.h"
#include "retrieval/store/document_store.h"

namespace quire::retrieval {

// A document as it was uploaded.
struct NewDocument {
  std::string id;
  std::string title;
  MediaType media_type = MediaType::kPlainText;
  std::string bytes;
  std::string sha256;  // of `bytes`, lower-case hexadecimal
  std::map<std::string, std::string> metadata;
};

// A document ready to be committed.
struct PreparedDocument {
  DocumentRecord record;  // without version, commit and first_chunk, which the commit gives
  DocumentContent content;
  std::vector<ChunkTerms> terms;  // one per chunk
};

// Parses, chunks, embeds and analyzes a document: all that can be done, and can fail, before a
// commit, and nearly all the time that an upload takes. Changes nothing but the dictionary of
// `words`.
//
// Returns INVALID_ARGUMENT if the document cannot be read, FAILED_PRECONDITION if the embedding
// model is not the one the collection was made with; errors of the embedder as they are.
StatusOr<PreparedDocument> PrepareDocument(NewDocument document, const CollectionRecord& collection,
                                           Embedder& embedder, LexicalIndex& words);

// Returns FAILED_PRECONDITION unless `fingerprint` is that of the collection's model.
Status CheckFingerprint(const CollectionRecord& collection, const std::string& fingerprint);

}  // namespace quire::retrieval
