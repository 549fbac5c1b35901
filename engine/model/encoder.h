#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/formats/weight_source.h"
#include "engine/layers/buffers.h"
#include "engine/layers/embedding.h"
#include "engine/layers/encoder_attention.h"
#include "engine/layers/mlp.h"
#include "engine/layers/norm.h"
#include "engine/model/embedding_model.h"
#include "engine/model/model_config.h"
#include "kernels/device.h"

namespace quire::engine {

// Token ids of a packed batch of texts, or pairs of texts.
struct EncoderBatch {
  std::span<const std::int32_t> ids;         // [tokens]
  std::span<const std::int32_t> type_ids;    // [tokens], below type_vocab_size; empty: all 0
  std::span<const std::int32_t> cu_seqlens;  // [num_sequences + 1], prefix sums of lengths
};

// An encoder of the BERT kind: post-norm layers of bidirectional attention and an MLP over the sum
// of token, position and type embeddings. RoBERTa and XLM-R differ in where positions begin.
//
// Thread-compatible. The device must outlive it.
class Encoder final : public EmbeddingModel {
 public:
  // Loads the weights and allocates buffers for `max_batch_tokens` tokens in `max_sequences`
  // sequences. Tensor names may have the prefix "bert." or "roberta.". Errors as Transformer::Load.
  static StatusOr<std::unique_ptr<Encoder>> Load(const ModelConfig& config,
                                                 const WeightSource& weights,
                                                 std::int32_t max_batch_tokens,
                                                 std::int32_t max_sequences,
                                                 kernels::Device& device);

  StatusOr<std::span<const float>> Encode(std::span<const std::int32_t> ids,
                                          std::span<const std::int32_t> cu_seqlens,
                                          const PoolingConfig& pooling,
                                          const std::function<void()>& before_layer) override;

  // Enqueues what Encode does up to the pooled vectors, [num_sequences, hidden_size], which stay on
  // the device until the next call. Requires what Encode does.
  kernels::MatrixView Forward(const EncoderBatch& batch, const PoolingConfig& pooling,
                              const std::function<void()>& before_layer);
  // Copies rows to the host and waits for everything enqueued. Errors as Encode.
  Status ReadRows(const kernels::MatrixView& rows, std::vector<float>& out);

  // Where it computes; for what is computed of its vectors.
  LayerContext context() { return {.kernels = device_.kernels(), .stream = *stream_}; }

  // What the names of an encoder's tensors begin with: "bert.", "roberta." or nothing.
  static std::string TensorPrefix(const WeightSource& weights);

  std::int64_t weight_bytes() const override { return weight_bytes_; }
  std::int64_t workspace_bytes() const override;

 private:
  struct Layer {
    EncoderAttention attention;
    LayerNorm attention_norm;
    Mlp mlp;
    LayerNorm output_norm;
  };
  struct Weights {
    Embedding word_embedding;   // [vocab_size, hidden_size]
    Weight position_embedding;  // [first_position + max_position_embeddings, hidden_size]
    std::optional<Weight> type_embedding;  // [type_vocab_size, hidden_size]
    LayerNorm embedding_norm;
    std::vector<Layer> layers;
  };
  struct Buffers {
    ActivationBuffer hidden;
    ActivationBuffer q;
    ActivationBuffer k;
    ActivationBuffer v;
    ActivationBuffer attention;
    ActivationBuffer intermediate;  // [tokens, intermediate_size]
    ActivationBuffer pooled;        // [num_sequences, hidden_size]
    IndexBuffer ids;
    IndexBuffer positions;
    IndexBuffer types;
    IndexBuffer cu_seqlens;
  };

  Encoder(const ModelConfig& config, kernels::Device& device,
          std::unique_ptr<kernels::Stream> stream, Weights weights, MappedFileStates files,
          Buffers buffers, std::int64_t weight_bytes);

  static StatusOr<Weights> LoadWeights(const ModelConfig& config, WeightLoader& loader,
                                       const std::string& prefix);
  static StatusOr<Layer> LoadLayer(const ModelConfig& config, WeightLoader& loader,
                                   const std::string& prefix);
  static StatusOr<Buffers> CreateBuffers(const ModelConfig& config, std::int32_t max_batch_tokens,
                                         std::int32_t max_sequences, kernels::Device& device);

  void Embed(const EncoderBatch& batch);
  // Appends the positions of one sequence.
  void AddPositions(std::span<const std::int32_t> ids);

  const ModelConfig config_;
  kernels::Device& device_;
  const std::unique_ptr<kernels::Stream> stream_;
  const Weights weights_;
  const MappedFileStates files_;  // that weights_ borrow
  Buffers buffers_;
  const std::int64_t weight_bytes_;
  std::vector<std::int32_t> positions_;  // [tokens], of the last call
  std::vector<std::int32_t> types_;      // [tokens], of the last call
  std::vector<float> host_pooled_;       // [num_sequences, hidden_size]
};

}  // namespace quire::engine
