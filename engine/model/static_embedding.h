#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/formats/weight_source.h"
#include "engine/layers/buffers.h"
#include "engine/layers/weight_loader.h"
#include "engine/model/embedding_model.h"
#include "engine/model/model_config.h"
#include "kernels/device.h"

namespace quire::engine {

// A static embedding model: a text's vector is the mean of its tokens' vectors, wherever they
// stand. Source: sentence-transformers, StaticEmbedding; MinishLab/model2vec.
class StaticEmbedding final : public EmbeddingModel {
 public:
  // Loads the table, [vocab_size, hidden_size], from a StaticTable and allocates buffers for
  // `max_batch_tokens` tokens in `max_sequences` sequences. Errors as Transformer::Load.
  static StatusOr<std::unique_ptr<StaticEmbedding>> Load(const ModelConfig& config,
                                                         const WeightSource& weights,
                                                         std::int32_t max_batch_tokens,
                                                         std::int32_t max_sequences,
                                                         kernels::Device& device);

  StatusOr<std::span<const float>> Encode(std::span<const std::int32_t> ids,
                                          std::span<const std::int32_t> cu_seqlens,
                                          const PoolingConfig& pooling,
                                          const std::function<void()>& before_layer) override;

  std::int64_t weight_bytes() const override { return weight_bytes_; }
  std::int64_t workspace_bytes() const override;

 private:
  struct Buffers {
    ActivationBuffer vectors;  // [tokens, hidden_size]
    ActivationBuffer pooled;   // [num_sequences, hidden_size]
    IndexBuffer ids;
    IndexBuffer cu_seqlens;
  };

  StaticEmbedding(kernels::Device& device, std::unique_ptr<kernels::Stream> stream, Weight table,
                  MappedFileStates files, Buffers buffers, std::int64_t weight_bytes);

  static StatusOr<Buffers> CreateBuffers(std::int64_t hidden_size, std::int32_t max_batch_tokens,
                                         std::int32_t max_sequences, kernels::Device& device);

  kernels::Device& device_;
  const std::unique_ptr<kernels::Stream> stream_;
  const Weight table_;            // [vocab_size, hidden_size]
  const MappedFileStates files_;  // that table_ borrows
  Buffers buffers_;
  const std::int64_t weight_bytes_;
  std::vector<float> host_pooled_;  // [num_sequences, hidden_size]
};

}  // namespace quire::engine
