#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "services/orchestrator/retriever.h"

namespace quire::testing {

// A collection in memory. A search gives the passages it was told to. Thread-compatible.
class FakeRetriever final : public services::Retriever {
 public:
  struct Document {
    std::string name;
    std::string title;
    std::string text;
    std::int64_t version = 1;
  };

  explicit FakeRetriever(std::vector<Document> documents) : documents_(std::move(documents)) {}

  // The bytes [start, end) of a document as a hit; hits are given in the order they were added.
  void AddHit(std::size_t document, std::size_t start, std::size_t end) {
    const Document& source = documents_[document];
    hits_.push_back({.document = source.name,
                     .title = source.title,
                     .version = source.version,
                     .start = static_cast<std::int64_t>(start),
                     .end = static_cast<std::int64_t>(end),
                     .text = source.text.substr(start, end - start),
                     .headings = {}});
  }
  // Replaces a document between a search or a listing and what follows.
  void SetVersion(std::size_t document, std::int64_t version) {
    documents_[document].version = version;
  }

  StatusOr<std::vector<services::Passage>> Search(const std::string& collection,
                                                  const std::string& query,
                                                  std::span<const std::string> documents,
                                                  std::int32_t top_k) override {
    last_search_ = {collection, query, {documents.begin(), documents.end()}, top_k};
    std::vector<services::Passage> hits = hits_;
    hits.resize(std::min(hits.size(), static_cast<std::size_t>(top_k)));
    return hits;
  }

  StatusOr<std::vector<services::StoredDocument>> ListDocuments(
      const std::string& /*collection*/, std::span<const std::string> documents) override {
    std::vector<services::StoredDocument> stored;
    if (documents.empty()) {
      for (const Document& document : documents_) stored.push_back(ToStored(document));
    }
    for (const std::string& name : documents) {
      const auto found = std::ranges::find(documents_, name, &Document::name);
      if (found == documents_.end()) return NotFound("{}: wanted a document, have none", name);
      stored.push_back(ToStored(*found));
    }
    return stored;
  }

  StatusOr<std::string> ReadText(const services::StoredDocument& document) override {
    ++num_reads_;
    const auto found = std::ranges::find(documents_, document.name, &Document::name);
    if (found->version != document.version) {
      return Aborted("{}: changed while it was read", document.name);
    }
    return found->text;
  }

  struct SearchCall {
    std::string collection;
    std::string query;
    std::vector<std::string> documents;
    std::int32_t top_k = 0;
  };
  const SearchCall& last_search() const { return last_search_; }
  int num_reads() const { return num_reads_; }

 private:
  static services::StoredDocument ToStored(const Document& document) {
    return {.name = document.name,
            .title = document.title,
            .version = document.version,
            .text_bytes = static_cast<std::int64_t>(document.text.size())};
  }

  std::vector<Document> documents_;
  std::vector<services::Passage> hits_;
  SearchCall last_search_;
  int num_reads_ = 0;
};

}  // namespace quire::testing
