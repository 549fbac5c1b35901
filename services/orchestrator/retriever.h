#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace quire::services {

// A stretch of a document: the bytes [start, end) of its extracted text.
struct Passage {
  std::string document;  // resource name, or the id of an inline document
  std::string title;
  std::int64_t version = 0;
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::string text;
  std::vector<std::string> headings;  // outermost first
};

struct StoredDocument {
  std::string name;
  std::string title;
  std::int64_t version = 0;
  std::int64_t text_bytes = 0;
};

// Documents as a strategy sees them. Implementations: GrpcRetriever over the retrieval service;
// FakeRetriever in tests. Bound to one task. Thread-safe.
class Retriever {
 public:
  virtual ~Retriever() = default;

  // The passages of `collection` that fit `query` best, best first; only of `documents` unless
  // that is empty.
  virtual StatusOr<std::vector<Passage>> Search(const std::string& collection,
                                                const std::string& query,
                                                std::span<const std::string> documents,
                                                std::int32_t top_k) = 0;
  // The documents of a collection in order of id, or the named ones in the order given.
  virtual StatusOr<std::vector<StoredDocument>> ListDocuments(
      const std::string& collection, std::span<const std::string> documents) = 0;
  // The whole extracted text. Returns ABORTED if the version changed while it was read.
  virtual StatusOr<std::string> ReadText(const StoredDocument& document) = 0;
};

}  // namespace quire::services
