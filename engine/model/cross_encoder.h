#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/layers/buffers.h"
#include "engine/layers/linear.h"
#include "engine/model/encoder.h"
#include "engine/model/model_config.h"
#include "kernels/device.h"

namespace quire::engine {

// An encoder that reads a query and a document together and says how well they go together: a dense
// layer with tanh over the first token's hidden state, and a linear layer to the labels.
// Source: transformers, BertPooler and RobertaClassificationHead.
//
// Thread-compatible. The device must outlive it.
class CrossEncoder final {
 public:
  // As Encoder::Load. Requires: config.task is kRerank.
  static StatusOr<std::unique_ptr<CrossEncoder>> Load(const ModelConfig& config,
                                                      const WeightSource& weights,
                                                      std::int32_t max_batch_tokens,
                                                      std::int32_t max_sequences,
                                                      kernels::Device& device);

  // Logits of a packed batch of pairs, [num_sequences, num_labels], and waits for them. Valid until
  // the next call. `before_layer`, errors and requirements as EmbeddingModel::Encode.
  StatusOr<std::span<const float>> Score(const EncoderBatch& batch,
                                         const std::function<void()>& before_layer);

  std::int64_t weight_bytes() const { return encoder_->weight_bytes() + head_weight_bytes_; }
  // Activations and index arrays.
  std::int64_t workspace_bytes() const;

 private:
  struct Head {
    Linear dense;   // [hidden_size, hidden_size]
    Linear labels;  // [num_labels, hidden_size]
  };
  struct Buffers {
    ActivationBuffer dense;   // [num_sequences, hidden_size]
    ActivationBuffer logits;  // [num_sequences, num_labels]
  };

  CrossEncoder(kernels::Device& device, std::unique_ptr<Encoder> encoder, Head head,
               MappedFileStates head_files, Buffers buffers, std::int64_t head_weight_bytes);

  static StatusOr<Head> LoadHead(const ModelConfig& config, const std::string& prefix,
                                 WeightLoader& loader);

  kernels::Device& device_;
  const std::unique_ptr<Encoder> encoder_;
  const Head head_;
  const MappedFileStates head_files_;  // that head_ borrows
  Buffers buffers_;
  const std::int64_t head_weight_bytes_;
  std::vector<float> host_dense_;   // [num_sequences, hidden_size]
  std::vector<float> host_logits_;  // [num_sequences, num_labels]
};

}  // namespace quire::engine
