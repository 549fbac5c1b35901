#include "engine/model/transformer.h"

#include <algorithm>

#include "base/check.h"
#include "engine/layers/weight_loader.h"
#include "engine/model/layer_places.h"
#include "engine/model/rope_frequencies.h"
#include "engine/model/weight_prefix.h"

namespace quire::engine {
StatusOr<std::unique_ptr<Transformer>> Transformer::Load(const ModelConfig& config,
                                                         const WeightSource& weights,
                                                         const TransformerLimits& limits,
                                                         kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<kernels::Stream> stream, device.NewStream());
  WeightLoader loader(weights, device, *stream);
  QUIRE_ASSIGN_OR_RETURN(Weights loaded,
                         LoadWeights(config, limits.context_tokens, loader, device, *stream));
  QUIRE_ASSIGN_OR_RETURN(MappedFileStates files, loader.Finish());
  QUIRE_ASSIGN_OR_RETURN(Buffers buffers, CreateBuffers(config, limits, device));
  return std::unique_ptr<Transformer>(new Transformer(config, limits, device, std::move(stream),
                                                      std::move(loaded), std::move(files),
                                                      std::move(buffers), loader.weight_bytes()));
}

Transformer::Transformer(const ModelConfig& config, const TransformerLimits& limits,
                         kernels::Device& device, std::unique_ptr<kernels::Stream> stream,
                         Weights weights, MappedFileStates files, Buffers buffers,
                         std::int64_t weight_bytes)
    : config_(config),
      limits_(limits),
      device_(device),
      stream_(std::move(stream)),
      weights_(std::move(weights)),
      files_(std::move(files)),
      buffers_(std::move(buffers)),
      weight_bytes_(weight_bytes),
      recordings_(device_, *stream_) {}

StatusOr<Transformer::Layer> Transformer::LoadLayer(const ModelConfig& config, WeightLoader& loader,
                                                    const std::string& prefix, std::int32_t layer) {
  const DecoderLayout& layout = config.layout;
  const std::string name = fmt::format("{}{}.{}.", prefix, layout.layers, layer);
  const NormShape norm_shape = NormShapeOf(config, config.hidden_size);
  const auto norm = [&](std::string_view norm_name) {
    return Norm::Load(loader, name + std::string(norm_name), norm_shape);
  };
  QUIRE_ASSIGN_OR_RETURN(Norm attention_norm, norm(layout.attention_norm));
  QUIRE_ASSIGN_OR_RETURN(
      Attention attention,
      Attention::Load(loader, AttentionPlacesOf(config, name), AttentionShapeOf(config, layer)));
  QUIRE_ASSIGN_OR_RETURN(Norm mlp_norm, norm(layout.mlp_norm));
  QUIRE_ASSIGN_OR_RETURN(Mlp mlp, Mlp::Load(loader, MlpPlacesOf(config, name), MlpShapeOf(config)));
  Layer loaded = {
      .attention_norm = std::move(attention_norm),
      .attention = std::move(attention),
      .attention_post_norm = {},
      .mlp_norm = std::move(mlp_norm),
      .mlp = std::move(mlp),
      .mlp_post_norm = {},
      .has_local_rope = config.local_rope_theta != 0.0 && config.SlidingWindow(layer) != 0};
  if (!layout.attention_post_norm.empty()) {
    QUIRE_ASSIGN_OR_RETURN(loaded.attention_post_norm, norm(layout.attention_post_norm));
  }
  if (!layout.mlp_post_norm.empty()) {
    QUIRE_ASSIGN_OR_RETURN(loaded.mlp_post_norm, norm(layout.mlp_post_norm));
  }
  return loaded;
}

StatusOr<std::optional<Linear>> Transformer::LoadLmHead(const ModelConfig& config,
                                                        WeightLoader& loader,
                                                        const std::string& prefix,
                                                        bool has_quantized_table) {
  // A tied output matrix is the embedding table, unless quantizing makes another of it.
  if (config.tie_word_embeddings && (!loader.quantizes_on_load() || has_quantized_table)) {
    return std::optional<Linear>();
  }
  std::string name = prefix + std::string(config.layout.embedding);
  if (!config.tie_word_embeddings) {
    name = loader.Contains("language_model.lm_head.weight") ? "language_model.lm_head" : "lm_head";
  }
  QUIRE_ASSIGN_OR_RETURN(Linear lm_head, Linear::Load(loader, name, config.vocab_size,
                                                      config.hidden_size, /*has_bias=*/false));
  return std::optional<Linear>(std::move(lm_head));
}

Status Transformer::LoadRope(const ModelConfig& config, std::int32_t context_tokens,
                             kernels::Device& device, kernels::Stream& stream, Weights& weights) {
  if (config.rotary_dim == 0) return OkStatus();
  QUIRE_ASSIGN_OR_RETURN(
      weights.inverse_frequency,
      UploadVector(RopeInverseFrequencies(config, context_tokens), device, stream));
  if (config.local_rope_theta == 0.0) return OkStatus();
  QUIRE_ASSIGN_OR_RETURN(weights.local_inverse_frequency,
                         UploadVector(LocalRopeInverseFrequencies(config), device, stream));
  return OkStatus();
}

StatusOr<Transformer::Weights> Transformer::LoadWeights(const ModelConfig& config,
                                                        std::int32_t context_tokens,
                                                        WeightLoader& loader,
                                                        kernels::Device& device,
                                                        kernels::Stream& stream) {
  const DecoderLayout& layout = config.layout;
  const std::string prefix = FindWeightPrefix(
      layout, [&loader](const std::string& name) { return loader.Contains(name); });
  const auto at = [&](std::string_view name) { return prefix + std::string(name); };
  QUIRE_ASSIGN_OR_RETURN(
      Embedding embedding,
      Embedding::Load(loader, at(layout.embedding), config.vocab_size, config.hidden_size));
  Weight positions;
  if (!layout.positions.empty()) {
    QUIRE_ASSIGN_OR_RETURN(
        positions, loader.Matrix(at(layout.positions) + ".weight", config.max_position_embeddings,
                                 config.hidden_size));
  }
  std::vector<Layer> layers;
  for (std::int32_t i = 0; i < config.num_layers; ++i) {
    QUIRE_ASSIGN_OR_RETURN(Layer layer, LoadLayer(config, loader, prefix, i));
    layers.push_back(std::move(layer));
  }
  QUIRE_ASSIGN_OR_RETURN(Norm final_norm, Norm::Load(loader, at(layout.final_norm),
                                                     NormShapeOf(config, config.hidden_size)));
  QUIRE_ASSIGN_OR_RETURN(std::optional<Linear> lm_head,
                         LoadLmHead(config, loader, prefix, embedding.is_quantized()));
  Weights weights = {.embedding = std::move(embedding),
                     .positions = std::move(positions),
                     .layers = std::move(layers),
                     .final_norm = std::move(final_norm),
                     .lm_head = std::move(lm_head),
                     .inverse_frequency = {},
                     .local_inverse_frequency = {}};
  QUIRE_RETURN_IF_ERROR(LoadRope(config, context_tokens, device, stream, weights));
  return weights;
}

StatusOr<Transformer::Buffers> Transformer::CreateBuffers(const ModelConfig& config,
                                                          const TransformerLimits& limits,
                                                          kernels::Device& device) {
  const auto rows = [&](std::int64_t cols) {
    return ActivationBuffer::Create(limits.max_batch_tokens, cols, device);
  };
  const auto logit_rows = [&](std::int64_t cols) {
    return ActivationBuffer::Create(limits.max_logit_rows, cols, device);
  };
  const auto index = [&](std::int64_t size) { return IndexBuffer::Create(size, device); };
  const std::int64_t q_size = std::int64_t{config.num_heads} * config.head_dim;
  const std::int64_t kv_size = std::int64_t{config.num_kv_heads} * config.head_dim;
  Buffers buffers;
  QUIRE_ASSIGN_OR_RETURN(buffers.hidden, rows(config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.normed, rows(config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.q, rows(q_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.k, rows(kv_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.v, rows(kv_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.attention, rows(q_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.gate, rows(config.intermediate_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.up, rows(config.intermediate_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.logit_hidden, logit_rows(config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.logits, logit_rows(config.vocab_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.ids, index(limits.max_batch_tokens));
  QUIRE_ASSIGN_OR_RETURN(buffers.positions, index(limits.max_batch_tokens));
  QUIRE_ASSIGN_OR_RETURN(buffers.slot_mapping, index(limits.max_batch_tokens));
  QUIRE_ASSIGN_OR_RETURN(buffers.logit_rows, index(limits.max_logit_rows));
  QUIRE_ASSIGN_OR_RETURN(buffers.sample_rows,
                         StepBuffer<kernels::SampleRow>::Create(limits.max_logit_rows, device));
  const std::int64_t max_changes =
      std::int64_t{limits.max_logit_rows} * static_cast<std::int64_t>(kMaxChangesOfRow);
  QUIRE_ASSIGN_OR_RETURN(buffers.changes,
                         StepBuffer<kernels::LogitChange>::Create(max_changes, device));
  const std::int64_t max_words = limits.max_logit_rows * kernels::MaskWords(config.vocab_size);
  QUIRE_ASSIGN_OR_RETURN(buffers.masks, StepBuffer<std::uint32_t>::Create(max_words, device));
  QUIRE_ASSIGN_OR_RETURN(buffers.samples, index(limits.max_logit_rows));
  return buffers;
}

void Transformer::AddNormed(const Norm& post_norm, std::int64_t num_tokens) {
  const kernels::MatrixView normed = buffers_.normed.Rows(num_tokens);
  post_norm.Forward(normed, normed, context());
  device_.kernels().add({.x = buffers_.hidden.Rows(num_tokens), .y = normed}, *stream_);
}

void Transformer::ForwardLayer(std::int32_t index, AttentionStep step, const KvCache& cache) {
  const Layer& layer = weights_.layers[static_cast<std::size_t>(index)];
  const Weight& frequency =
      layer.has_local_rope ? weights_.local_inverse_frequency : weights_.inverse_frequency;
  step.rope = {.inverse_frequency = static_cast<const float*>(frequency.view.data)};
  if (!layer.has_local_rope) {
    step.rope.attention_factor = static_cast<float>(config_.rope_scaling.attention_factor);
  }
  const std::int64_t num_tokens = num_tokens_;
  const kernels::MatrixView hidden = buffers_.hidden.Rows(num_tokens);
  const kernels::MatrixView normed = buffers_.normed.Rows(num_tokens);
  const auto target = [&](const std::optional<Norm>& post_norm) {
    return post_norm ? normed : hidden;
  };
  layer.attention_norm.Forward(hidden, normed, context());
  layer.attention.Forward(normed, target(layer.attention_post_norm),
                          /*accumulate=*/!layer.attention_post_norm, step, cache.Layer(index),
                          {.q = buffers_.q.Rows(num_tokens),
                           .k = buffers_.k.Rows(num_tokens),
                           .v = buffers_.v.Rows(num_tokens),
                           .rows = buffers_.attention.Rows(num_tokens)},
                          context());
  if (layer.attention_post_norm) AddNormed(*layer.attention_post_norm, num_tokens);
  layer.mlp_norm.Forward(hidden, normed, context());
  layer.mlp.Forward(normed, target(layer.mlp_post_norm), /*accumulate=*/!layer.mlp_post_norm,
                    {.gate = buffers_.gate.Rows(num_tokens), .up = buffers_.up.Rows(num_tokens)},
                    context());
  if (layer.mlp_post_norm) AddNormed(*layer.mlp_post_norm, num_tokens);
}

void Transformer::Embed(const std::int32_t* positions) {
  const kernels::MatrixView hidden = buffers_.hidden.Rows(num_tokens_);
  weights_.embedding.Forward(buffers_.ids.data(), hidden, context());
  if (config_.embedding_scale != 1.0f) {
    device_.kernels().scale({.x = hidden, .factor = config_.embedding_scale}, *stream_);
  }
  if (weights_.positions.view.data == nullptr) return;
  device_.kernels().embed_rows(
      {.table = weights_.positions.view, .ids = positions, .out = hidden, .accumulate = true},
      *stream_);
}

AttentionStep Transformer::BeginStep(const ForwardBatch& batch) {
  QUIRE_DCHECK(batch.num_tokens() > 0 && batch.num_tokens() <= limits_.max_batch_tokens);
  num_tokens_ = batch.num_tokens();
  const kernels::AttentionBatch attention_batch = {
      .query = {.data = batch.cu_seqlens.data(), .num_sequences = batch.num_sequences()},
      .kv_lens = batch.kv_lens.data(),
      .block_table = batch.block_table.data(),
      .max_blocks = batch.max_blocks,
      .num_heads = config_.num_heads,
      .num_kv_heads = config_.num_kv_heads,
      .head_dim = config_.head_dim};
  plan_ = device_.kernels().plan_paged_attention(attention_batch, *stream_);
  buffers_.ids.Upload(batch.ids, device_, *stream_);
  return {.positions = buffers_.positions.Upload(batch.positions, device_, *stream_),
          .slot_mapping = buffers_.slot_mapping.Upload(batch.slot_mapping, device_, *stream_),
          .rope = {},
          .batch = attention_batch,
          .plan = plan_.get()};
}

void Transformer::Forward(const ForwardBatch& batch, const KvCache& cache) {
  const AttentionStep step = BeginStep(batch);
  const std::optional<kernels::AttentionKey> key = plan_->key();
  // An observer looks at every step.
  if (!key || !limits_.record_steps || observer_ != nullptr) return ForwardStep(step, cache);
  recordings_.Run({.attention = *key, .cache = cache.Layer(0).k},
                  [&] { ForwardStep(step, cache); });
}

void Transformer::ForwardStep(const AttentionStep& step, const KvCache& cache) {
  Embed(step.positions);
  for (std::int32_t i = 0; i < config_.num_layers; ++i) ForwardLayer(i, step, cache);
}

Status Transformer::ForwardOneLayer(std::int32_t layer, const ForwardBatch& batch,
                                    const KvCache& cache, std::span<float> hidden) {
  const AttentionStep step = BeginStep(batch);
  void* const states = buffers_.hidden.Rows(num_tokens_).data;
  const auto size_bytes = static_cast<std::int64_t>(hidden.size_bytes());
  QUIRE_DCHECK(size_bytes == num_tokens_ * config_.hidden_size * std::int64_t{sizeof(float)});
  if (layer == 0) {
    Embed(step.positions);
  } else {
    device_.CopyToDevice(states, hidden.data(), size_bytes, *stream_);
  }
  ForwardLayer(layer, step, cache);
  device_.CopyToHost(hidden.data(), states, size_bytes, *stream_);
  return Wait();
}

kernels::MatrixView Transformer::ComputeLogits(std::span<const std::int32_t> rows) {
  const auto num_rows = static_cast<std::int64_t>(rows.size());
  QUIRE_DCHECK(num_rows > 0 && num_rows <= limits_.max_logit_rows);
  // A row lookup in the hidden states: only the rows that need it pay for the vocabulary.
  const kernels::MatrixView selected = buffers_.logit_hidden.Rows(num_rows);
  device_.kernels().embed_rows({.table = buffers_.hidden.Rows(num_tokens_),
                                .ids = buffers_.logit_rows.Upload(rows, device_, *stream_),
                                .out = selected},
                               *stream_);
  weights_.final_norm.Forward(selected, selected, context());
  const kernels::MatrixView logits = buffers_.logits.Rows(num_rows);
  if (weights_.lm_head) {
    weights_.lm_head->Forward(selected, logits, /*accumulate=*/false, context());
  } else {
    weights_.embedding.Project(selected, logits, context());
  }
  if (config_.logit_soft_cap != 0.0f) {
    device_.kernels().soft_cap({.x = logits, .cap = config_.logit_soft_cap}, *stream_);
  }
  return logits;
}

void Transformer::Sample(const Sampling& how) {
  const auto num_rows = static_cast<std::int64_t>(how.rows.size());
  device_.kernels().sample({.logits = buffers_.logits.Rows(num_rows),
                            .rows = buffers_.sample_rows.Upload(how.rows, device_, *stream_),
                            .changes = buffers_.changes.Upload(how.changes, device_, *stream_),
                            .num_changes = static_cast<std::int64_t>(how.changes.size()),
                            .masks = buffers_.masks.Upload(how.masks, device_, *stream_),
                            .tokens = buffers_.samples.data()},
                           *stream_);
  samples_ = buffers_.samples.Download(how.rows.size(), device_, *stream_);
}

void Transformer::BeginPredict(std::span<const std::int32_t> rows, const Sampling& how) {
  const auto num_samples = static_cast<std::int64_t>(how.rows.size());
  QUIRE_DCHECK(how.rows.size() <= rows.size());
  logits_ = ComputeLogits(rows);
  samples_ = {};
  if (num_samples > 0) Sample(how);
  logits_.data = static_cast<float*>(logits_.data) + num_samples * logits_.row_stride;
  logits_.rows -= num_samples;
}

StatusOr<Transformer::Predictions> Transformer::FinishPredict() {
  const auto size = static_cast<std::size_t>(logits_.rows * config_.vocab_size);
  if (size > 0) {
    host_logits_.resize(std::max(host_logits_.size(), size));
    device_.CopyToHost(host_logits_.data(), logits_.data,
                       static_cast<std::int64_t>(size * sizeof(float)), *stream_);
  }
  QUIRE_RETURN_IF_ERROR(Wait());
  return Predictions{.samples = samples_, .logits = {host_logits_.data(), size}};
}

std::int64_t Transformer::workspace_bytes() const {
  const Buffers& b = buffers_;
  std::int64_t total = 0;
  for (const ActivationBuffer* buffer : {&b.hidden, &b.normed, &b.q, &b.k, &b.v, &b.attention,
                                         &b.gate, &b.up, &b.logit_hidden, &b.logits}) {
    total += buffer->size_bytes();
  }
  for (const IndexBuffer* buffer : {&b.ids, &b.positions, &b.slot_mapping, &b.logit_rows}) {
    total += buffer->size_bytes();
  }
  total += b.sample_rows.size_bytes() + b.changes.size_bytes() + b.masks.size_bytes() +
           b.samples.size_bytes();
  return total + b.logits.size_bytes();  // and their copy on the host
}

std::int64_t Transformer::step_weight_bytes() const {
  const kernels::MatrixView& positions = weights_.positions.view;
  const std::int64_t position_bytes =
      positions.rows * positions.cols * kernels::BytesPerElement(positions.dtype);
  const std::int64_t table_bytes = weights_.lm_head ? weights_.embedding.size_bytes() : 0;
  return weight_bytes_ - position_bytes - table_bytes;
}

Status Transformer::Wait() {
  QUIRE_RETURN_IF_ERROR(device_.Synchronize(*stream_));
  return CheckFiles();
}

}  // namespace quire::engine
