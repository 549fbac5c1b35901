#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/formats/weight_source.h"
#include "engine/kv/kv_cache.h"
#include "engine/layers/attention.h"
#include "engine/layers/buffers.h"
#include "engine/layers/embedding.h"
#include "engine/layers/linear.h"
#include "engine/layers/mlp.h"
#include "engine/layers/norm.h"
#include "engine/model/forward_batch.h"
#include "engine/model/model_config.h"
#include "kernels/device.h"

namespace quire::engine {

struct TransformerLimits {
  std::int32_t max_batch_tokens = 512;
  std::int32_t max_logit_rows = 32;  // of one Logits call
};

// A decoder of the Llama kind: pre-norm layers of grouped-query attention and a gated MLP. Llama,
// Mistral and Qwen2 differ in their configuration alone.
//
// Engine thread only. The device must outlive it.
class Transformer {
 public:
  // Loads the weights and allocates all buffers. Tensor names may have the prefix "model.".
  // Returns DATA_LOSS naming file and tensor, wanted and present shape; UNIMPLEMENTED for a weight
  // type we do not compute with; RESOURCE_EXHAUSTED if the device lacks memory.
  static StatusOr<std::unique_ptr<Transformer>> Load(const ModelConfig& config,
                                                     const WeightSource& weights,
                                                     const TransformerLimits& limits,
                                                     kernels::Device& device);

  // Enqueues all layers over `batch`, whose keys and values go into `cache`. The hidden states stay
  // here until the next call. `batch` must not change before the next Logits or Wait.
  // Requires: 1 <= tokens <= max_batch_tokens, ids below vocab_size, slots inside `cache`.
  void Forward(const ForwardBatch& batch, const KvCache& cache);

  // Logits of these rows of the last Forward, [rows, vocab_size], and waits for them. Valid until
  // the next call. Returns INTERNAL if a kernel failed since the last wait, DATA_LOSS as CheckFiles.
  // Requires: at most max_logit_rows rows, at least one.
  StatusOr<std::span<const float>> Logits(std::span<const std::int32_t> rows);

  // Waits for everything enqueued; the error of a step whose logits nobody wants.
  Status Wait();

  // Returns DATA_LOSS if a file that the weights are mapped from was truncated or written to: the
  // model is then good for nothing. From any thread.
  Status CheckFiles() const { return CheckUnchanged(files_); }

  const ModelConfig& config() const { return config_; }
  const TransformerLimits& limits() const { return limits_; }
  std::int64_t weight_bytes() const { return weight_bytes_; }
  // Activations, logits and index arrays.
  std::int64_t workspace_bytes() const;
  // What one decode step reads of them: all but an embedding table that is only looked up.
  std::int64_t step_weight_bytes() const;

 private:
  struct Layer {
    RmsNorm input_norm;
    Attention attention;
    RmsNorm post_attention_norm;
    GatedMlp mlp;
  };
  // Activations and indices of one step.
  struct Buffers {
    ActivationBuffer hidden;  // the residual stream
    ActivationBuffer normed;  // [tokens, hidden_size]
    ActivationBuffer q;
    ActivationBuffer k;
    ActivationBuffer v;
    ActivationBuffer attention;  // [tokens, num_heads * head_dim]
    ActivationBuffer gate;
    ActivationBuffer up;
    ActivationBuffer logit_hidden;  // [rows, hidden_size]
    ActivationBuffer logits;        // [rows, vocab_size]
    IndexBuffer ids;
    IndexBuffer positions;
    IndexBuffer slot_mapping;
    IndexBuffer logit_rows;
  };
  struct Weights {
    Embedding embedding;  // [vocab_size, hidden_size]
    std::vector<Layer> layers;
    RmsNorm final_norm;
    std::optional<Linear> lm_head;  // the same shape; absent where it is the embedding table
    Weight inverse_frequency;  // [1, head_dim / 2]
  };

  Transformer(const ModelConfig& config, const TransformerLimits& limits, kernels::Device& device,
              std::unique_ptr<kernels::Stream> stream, Weights weights, MappedFileStates files,
              Buffers buffers, std::int64_t weight_bytes);

  static StatusOr<Layer> LoadLayer(const ModelConfig& config, WeightLoader& loader,
                                   const std::string& prefix, std::int32_t layer);
  static StatusOr<Weights> LoadWeights(const ModelConfig& config, WeightLoader& loader,
                                       kernels::Device& device, kernels::Stream& stream);
  static StatusOr<Buffers> CreateBuffers(const ModelConfig& config, const TransformerLimits& limits,
                                         kernels::Device& device);

  LayerContext context() { return {.kernels = device_.kernels(), .stream = *stream_}; }
  void ForwardLayer(const Layer& layer, std::int64_t num_tokens, const AttentionStep& step,
                    const kernels::KvLayerView& cache);

  const ModelConfig config_;
  const TransformerLimits limits_;
  kernels::Device& device_;
  const std::unique_ptr<kernels::Stream> stream_;
  const Weights weights_;
  const MappedFileStates files_;  // that weights_ borrow
  Buffers buffers_;
  const std::int64_t weight_bytes_;
  std::int64_t num_tokens_ = 0;                   // of the last Forward
  std::unique_ptr<kernels::AttentionPlan> plan_;  // of the last Forward
  std::vector<float> host_logits_;                // [max_logit_rows, vocab_size]
};

}  // namespace quire::engine
