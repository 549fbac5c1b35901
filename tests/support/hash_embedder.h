#pragma once

#include <atomic>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/embedding/embedder.h"
#include "tests/support/hash_embedding.h"

namespace quire::testing {

// An Embedder without a service: HashVector, and a token for each word. Tests set the members.
class HashEmbedder final : public retrieval::Embedder {
 public:
  StatusOr<retrieval::EmbeddingModel> Describe(const std::string&) override {
    return retrieval::EmbeddingModel{.name = "models/hash",
                                     .fingerprint = fingerprint,
                                     .dimension = dimension,
                                     .max_tokens = 510};
  }
  StatusOr<std::vector<std::int32_t>> CountTokens(
      const std::string&, std::span<const std::string_view> texts) override {
    if (!status.ok()) return status;
    std::vector<std::int32_t> counts;
    for (const std::string_view text : texts) counts.push_back(CountWords(text));
    return counts;
  }
  StatusOr<Result> Embed(const std::string&, std::span<const std::string_view> texts,
                         InputType) override {
    if (!status.ok()) return status;
    Result result{.vectors = {}, .fingerprint = fingerprint};
    for (const std::string_view text : texts) {
      const std::vector<float> vector = HashVector(text, dimension);
      result.vectors.insert(result.vectors.end(), vector.begin(), vector.end());
    }
    num_embedded += static_cast<std::int64_t>(texts.size());
    return result;
  }

  std::string fingerprint = "hash-1";
  std::int32_t dimension = 32;
  Status status;                  // of every call but Describe
  std::int64_t num_embedded = 0;  // texts so far
};

}  // namespace quire::testing
