#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/compute_turns.h"
#include "engine/memory_plan.h"
#include "engine/tokenizer/tokenizer.h"
#include "kernels/device.h"

namespace quire::engine {

struct EmbedderOptions {
  // A Hugging Face or sentence-transformers directory, or a GGUF file.
  std::string model_path;
  // Tokens of one forward pass, and at least one text of full length. More make the calls of others
  // wait longer and save no time.
  std::int32_t max_batch_tokens = 512;
  // Shared with the language model on the same device; null: the embedder has the device alone.
  std::shared_ptr<ComputeTurns> turns;
};

struct EmbeddingBatch {
  std::int32_t dimension = 0;
  std::vector<float> values;             // [texts, dimension], unit length where the model says so
  std::vector<std::int32_t> num_tokens;  // [texts], special tokens included, after truncation
  std::vector<bool> truncated;           // [texts]
};

// Turns texts into vectors with an encoder model (BERT family) or a static embedding model, pooled
// and normalized as the model's sentence-transformers files say (mean pooling, unit length where
// they are absent).
//
// Thread-safe. One forward pass at a time; those of several calls alternate, so that a question
// need not wait for a document.
class Embedder {
 public:
  // Errors as Engine::Create.
  static StatusOr<std::unique_ptr<Embedder>> Create(const EmbedderOptions& options,
                                                    kernels::Device& device);
  virtual ~Embedder() = default;

  // Longer texts are cut to max_tokens() if `truncate`, else INVALID_ARGUMENT naming the text, its
  // tokens and the limit. A text's vector does not depend on the other texts of the call. A text
  // without tokens, which only static embedding models know, has the vector 0.
  virtual StatusOr<EmbeddingBatch> Embed(std::span<const std::string> texts, bool truncate) = 0;

  virtual const Tokenizer& tokenizer() const = 0;
  virtual std::int32_t dimension() const = 0;
  virtual std::int32_t max_tokens() const = 0;  // special tokens included
  virtual ModelMemory memory() const = 0;
  // SHA-256 over the weights and the tokenizer, hexadecimal: two models with one fingerprint give
  // the same vectors.
  virtual const std::string& fingerprint() const = 0;
  virtual const std::string& architecture() const = 0;
};

}  // namespace quire::engine
