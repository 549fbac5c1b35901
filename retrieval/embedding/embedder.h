#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace quire::retrieval {

struct EmbeddingModel {
  std::string name;
  // Identity of weights and tokenizer: vectors of different fingerprints must not be mixed.
  std::string fingerprint;
  std::int32_t dimension = 0;
  std::int32_t max_tokens = 0;  // of one text, special tokens not counted
};

// Texts to vectors, and the token counts that go with them. Implementations: GrpcEmbedder over the
// inference service; HashEmbedder in tests.
//
// Made for one call of a client and passed along with it, so that its deadline and cancellation
// hold. Every method returns UNAVAILABLE if the model cannot be reached and CANCELLED or
// DEADLINE_EXCEEDED if the client's call is over. Thread-compatible.
class Embedder {
 public:
  enum class InputType { kQuery, kPassage };
  struct Result {
    // [texts.size(), dimension], each finite and of unit length, or 0 where the model knows no
    // token of the text: such a text is like no other.
    std::vector<float> vectors;
    std::string fingerprint;  // of the model that made them
  };
  virtual ~Embedder() = default;

  // The named model; the empty name means the default one. Returns NOT_FOUND if it is not served,
  // FAILED_PRECONDITION if it does not embed.
  virtual StatusOr<EmbeddingModel> Describe(const std::string& model) = 0;

  // Tokens of each text, special tokens not counted. As TokenCounter.
  virtual StatusOr<std::vector<std::int32_t>> CountTokens(
      const std::string& model, std::span<const std::string_view> texts) = 0;

  // Vectors of the texts, in order. Any number of texts.
  virtual StatusOr<Result> Embed(const std::string& model, std::span<const std::string_view> texts,
                                 InputType type) = 0;
};

}  // namespace quire::retrieval
