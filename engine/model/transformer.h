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
#include "engine/model/step_recordings.h"
#include "kernels/device.h"

namespace quire::engine {

struct TransformerLimits {
  std::int32_t max_batch_tokens = 512;
  std::int32_t max_logit_rows = 32;  // of one Predict call
  // The longest sequence, which some models' rotary frequencies depend on; 0:
  // max_position_embeddings.
  std::int32_t context_tokens = 0;
  bool record_steps = true;  // where the device can; see StepRecordings
};

// A decoder: layers of grouped-query attention and an MLP, each behind a norm. Families differ in
// their configuration alone.
//
// Engine thread only. The device must outlive it.
class Transformer {
 public:
  // Loads the weights and allocates all buffers. Tensor names may have one of a few prefixes
  // ("model.", "transformer.", "language_model.model.").
  // Returns DATA_LOSS naming file and tensor, wanted and present shape; UNIMPLEMENTED for a weight
  // type we do not compute with; RESOURCE_EXHAUSTED if the device lacks memory.
  static StatusOr<std::unique_ptr<Transformer>> Load(const ModelConfig& config,
                                                     const WeightSource& weights,
                                                     const TransformerLimits& limits,
                                                     kernels::Device& device);

  // Enqueues all layers over `batch`, whose keys and values go into `cache`. The hidden states stay
  // here until the next call. `batch` must not change before the next Predict or Wait. A step that
  // is like one before it is replayed, where the device can.
  // Requires: 1 <= tokens <= max_batch_tokens, ids below vocab_size, slots inside `cache`.
  void Forward(const ForwardBatch& batch, const KvCache& cache);

  // One layer alone, for calibration. `hidden`: [tokens, hidden_size] in host memory, the layer's
  // input and then its output; layer 0 takes the embedded tokens for an input. Waits. Errors as
  // Wait. Requires: as Forward.
  Status ForwardOneLayer(std::int32_t layer, const ForwardBatch& batch, const KvCache& cache,
                         std::span<float> hidden);

  // How tokens are sampled, in memory of the host: see kernels::SampleArgs. Of the changes there
  // are at most kMaxChangesOfRow for each row.
  struct Sampling {
    std::vector<kernels::SampleRow> rows = {};
    std::vector<kernels::LogitChange> changes = {};
    std::vector<std::uint32_t> masks = {};
  };
  static constexpr std::size_t kMaxChangesOfRow = 4096;
  // What the last Forward predicts at some of its rows. Valid until the next call.
  struct Predictions {
    std::span<const std::int32_t> samples;  // of the first rows: a token or kernels::kNoSample
    std::span<const float> logits;          // [other rows, vocab_size]
  };
  // Enqueues sampling a token from each of the first rows, as `how` says, on the device, and the
  // logits of the others. Requires: at most max_logit_rows rows, at least one; no more of `how`.
  void BeginPredict(std::span<const std::int32_t> rows, const Sampling& how);
  // Waits and gives what BeginPredict began. Returns INTERNAL if a kernel failed since the last
  // wait, DATA_LOSS as CheckFiles.
  StatusOr<Predictions> FinishPredict();
  StatusOr<Predictions> Predict(std::span<const std::int32_t> rows, const Sampling& how) {
    BeginPredict(rows, how);
    return FinishPredict();
  }

  // Waits for everything enqueued; the error of a step whose logits nobody wants.
  Status Wait();

  // Shows it what every linear layer is given from now on; null: nobody looks. Must outlive the
  // calls that it sees.
  void set_observer(LinearObserver* observer) { observer_ = observer; }

  // Returns DATA_LOSS if a file that the weights are mapped from was truncated or written to: the
  // model is then good for nothing. From any thread.
  Status CheckFiles() const { return CheckUnchanged(files_); }

  // On which its steps run. One user at a time: whoever calls Forward.
  kernels::Stream& stream() { return *stream_; }
  // Steps so far that were enqueued as a recording.
  std::int64_t num_replays() const { return recordings_.num_replays(); }
  const ModelConfig& config() const { return config_; }
  const TransformerLimits& limits() const { return limits_; }
  std::int64_t weight_bytes() const { return weight_bytes_; }
  // Activations, logits and index arrays.
  std::int64_t workspace_bytes() const;
  // What one decode step reads of them: all but tables that are only looked up.
  std::int64_t step_weight_bytes() const;

 private:
  struct Layer {
    Norm attention_norm;
    Attention attention;
    std::optional<Norm> attention_post_norm;
    Norm mlp_norm;
    Mlp mlp;
    std::optional<Norm> mlp_post_norm;
    bool has_local_rope;
  };
  // Activations and indices of one step.
  struct Buffers {
    ActivationBuffer hidden;  // the residual stream
    ActivationBuffer normed;  // [tokens, hidden_size]; then what a layer adds before its post-norm
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
    StepBuffer<kernels::SampleRow> sample_rows;
    StepBuffer<kernels::LogitChange> changes;
    StepBuffer<std::uint32_t> masks;
    IndexBuffer samples;
  };
  struct Weights {
    Embedding embedding;  // [vocab_size, hidden_size]
    Weight positions;     // [max_position_embeddings, hidden_size], or an empty view
    std::vector<Layer> layers;
    Norm final_norm;
    std::optional<Linear> lm_head;  // as the embedding; absent where it is the embedding table
    // [1, rotary_dim / 2]; empty views where there is no such thing.
    Weight inverse_frequency;
    Weight local_inverse_frequency;
  };

  Transformer(const ModelConfig& config, const TransformerLimits& limits, kernels::Device& device,
              std::unique_ptr<kernels::Stream> stream, Weights weights, MappedFileStates files,
              Buffers buffers, std::int64_t weight_bytes);

  static StatusOr<Layer> LoadLayer(const ModelConfig& config, WeightLoader& loader,
                                   const std::string& prefix, std::int32_t layer);
  static StatusOr<std::optional<Linear>> LoadLmHead(const ModelConfig& config, WeightLoader& loader,
                                                    const std::string& prefix,
                                                    bool has_quantized_table);
  static Status LoadRope(const ModelConfig& config, std::int32_t context_tokens,
                         kernels::Device& device, kernels::Stream& stream, Weights& weights);
  static StatusOr<Weights> LoadWeights(const ModelConfig& config, std::int32_t context_tokens,
                                       WeightLoader& loader, kernels::Device& device,
                                       kernels::Stream& stream);
  static StatusOr<Buffers> CreateBuffers(const ModelConfig& config, const TransformerLimits& limits,
                                         kernels::Device& device);

  LayerContext context() {
    return {.kernels = device_.kernels(), .stream = *stream_, .observer = observer_};
  }
  // What all layers of a forward pass share but the rotary table. Starts the pass.
  AttentionStep BeginStep(const ForwardBatch& batch);
  // Enqueues everything of `step` that is not a copy.
  void ForwardStep(const AttentionStep& step, const KvCache& cache);
  void Embed(const std::int32_t* positions);
  // hidden += post_norm(normed).
  void AddNormed(const Norm& post_norm, std::int64_t num_tokens);
  // Enqueues the logits of these rows.
  kernels::MatrixView ComputeLogits(std::span<const std::int32_t> rows);
  // Enqueues sampling from the first rows of logits, and the copy of the tokens to samples_.
  void Sample(const Sampling& how);
  void ForwardLayer(std::int32_t index, AttentionStep step, const KvCache& cache);

  const ModelConfig config_;
  const TransformerLimits limits_;
  kernels::Device& device_;
  const std::unique_ptr<kernels::Stream> stream_;
  const Weights weights_;
  const MappedFileStates files_;  // that weights_ borrow
  Buffers buffers_;
  const std::int64_t weight_bytes_;
  StepRecordings recordings_;
  LinearObserver* observer_ = nullptr;
  std::int64_t num_tokens_ = 0;                   // of the last Forward
  std::unique_ptr<kernels::AttentionPlan> plan_;  // of the last Forward
  std::span<const std::int32_t> samples_;         // of the last BeginPredict
  kernels::MatrixView logits_;                    // the same, of the rows without a sample
  std::vector<float> host_logits_;                // [max_logit_rows, vocab_size]
};

}  // namespace quire::engine
