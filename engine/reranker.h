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

struct RerankerOptions {
  std::string model_path;  // a Hugging Face directory
  // Tokens of one forward pass, and at least one pair of full length. More make the calls of others
  // wait longer and save no time.
  std::int32_t max_batch_tokens = 512;
  // Shared with the language model on the same device; null: the reranker has the device alone.
  std::shared_ptr<ComputeTurns> turns;
};

struct RerankBatch {
  // How well each document answers the query, more is better. One label: its logit, through a
  // sigmoid where the model's config.json says so or nothing. Several: the probability of the last
  // one.
  std::vector<float> scores;
  std::vector<float> logits;             // [documents, num_labels]
  std::vector<std::int32_t> num_tokens;  // [documents], query and special tokens included
  std::vector<bool> truncated;           // [documents]: its end was not read
};

// Scores documents for a query with a cross-encoder, which reads both together: BERT, RoBERTa and
// XLM-R with a sequence classification head.
//
// Thread-safe. One forward pass at a time; those of several calls alternate.
class Reranker {
 public:
  // Errors as Engine::Create; UNIMPLEMENTED if the tokenizer does not say how two texts are joined.
  static StatusOr<std::unique_ptr<Reranker>> Create(const RerankerOptions& options,
                                                    kernels::Device& device);
  virtual ~Reranker() = default;

  // In the order of `documents`. A document that is too long beside the query is cut at its end;
  // the query never is: INVALID_ARGUMENT if it has more than max_query_tokens(). A document's score
  // does not depend on the others.
  virtual StatusOr<RerankBatch> Rerank(const std::string& query,
                                       std::span<const std::string> documents) = 0;

  virtual const Tokenizer& tokenizer() const = 0;
  virtual std::int32_t num_labels() const = 0;
  virtual std::int32_t max_tokens() const = 0;        // of a pair, special tokens included
  virtual std::int32_t max_query_tokens() const = 0;  // leave a token to the document
  virtual ModelMemory memory() const = 0;
  virtual const std::string& architecture() const = 0;
};

}  // namespace quire::engine
