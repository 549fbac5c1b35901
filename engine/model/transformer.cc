#include "engine/model/transformer.h"

#include <algorithm>

#include "base/check.h"
#include "engine/layers/weight_loader.h"
#include "engine/model/rope_frequencies.h"

namespace quire::engine {

StatusOr<std::unique_ptr<Transformer>> Transformer::Load(const ModelConfig& config,
                                                         const WeightSource& weights,
                                                         const TransformerLimits& limits,
                                                         kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<kernels::Stream> stream, device.NewStream());
  WeightLoader loader(weights, device, *stream);
  QUIRE_ASSIGN_OR_RETURN(Weights loaded, LoadWeights(config, loader, device, *stream));
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
      weight_bytes_(weight_bytes) {}

StatusOr<Transformer::Layer> Transformer::LoadLayer(const ModelConfig& config, WeightLoader& loader,
                                                    const std::string& prefix, std::int32_t layer) {
  const std::string name = fmt::format("{}layers.{}.", prefix, layer);
  const AttentionShape attention_shape = {.hidden_size = config.hidden_size,
                                          .num_heads = config.num_heads,
                                          .num_kv_heads = config.num_kv_heads,
                                          .head_dim = config.head_dim,
                                          .qkv_bias = config.attention_bias,
                                          .output_bias = config.attention_output_bias,
                                          .sliding_window = config.SlidingWindow(layer)};
  const MlpShape mlp_shape = {.hidden_size = config.hidden_size,
                              .intermediate_size = config.intermediate_size,
                              .bias = config.mlp_bias,
                              .activation = config.activation};
  const auto norm = [&](const char* norm_name) {
    return RmsNorm::Load(loader, name + norm_name, config.hidden_size, config.norm_epsilon);
  };
  QUIRE_ASSIGN_OR_RETURN(RmsNorm input_norm, norm("input_layernorm"));
  QUIRE_ASSIGN_OR_RETURN(Attention attention,
                         Attention::Load(loader, name + "self_attn.", attention_shape));
  QUIRE_ASSIGN_OR_RETURN(RmsNorm post_attention_norm, norm("post_attention_layernorm"));
  QUIRE_ASSIGN_OR_RETURN(GatedMlp mlp, GatedMlp::Load(loader, name + "mlp.", mlp_shape));
  return Layer{std::move(input_norm), std::move(attention), std::move(post_attention_norm),
               std::move(mlp)};
}

StatusOr<Transformer::Weights> Transformer::LoadWeights(const ModelConfig& config,
                                                        WeightLoader& loader,
                                                        kernels::Device& device,
                                                        kernels::Stream& stream) {
  const std::string prefix = loader.Contains("model.embed_tokens.weight") ? "model." : "";
  QUIRE_ASSIGN_OR_RETURN(
      Embedding embedding,
      Embedding::Load(loader, prefix + "embed_tokens", config.vocab_size, config.hidden_size));
  std::vector<Layer> layers;
  for (std::int32_t i = 0; i < config.num_layers; ++i) {
    QUIRE_ASSIGN_OR_RETURN(Layer layer, LoadLayer(config, loader, prefix, i));
    layers.push_back(std::move(layer));
  }
  QUIRE_ASSIGN_OR_RETURN(
      RmsNorm final_norm,
      RmsNorm::Load(loader, prefix + "norm", config.hidden_size, config.norm_epsilon));
  // A tied output matrix is the embedding table, unless quantizing makes another of it.
  std::optional<Linear> lm_head;
  if (!config.tie_word_embeddings || (loader.quantizes_on_load() && !embedding.is_quantized())) {
    const std::string name = config.tie_word_embeddings ? prefix + "embed_tokens" : "lm_head";
    QUIRE_ASSIGN_OR_RETURN(lm_head, Linear::Load(loader, name, config.vocab_size,
                                                 config.hidden_size, /*has_bias=*/false));
  }
  QUIRE_ASSIGN_OR_RETURN(Weight inverse_frequency,
                         UploadVector(RopeInverseFrequencies(config), device, stream));
  return Weights{std::move(embedding), std::move(layers), std::move(final_norm), std::move(lm_head),
                 std::move(inverse_frequency)};
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
  return buffers;
}

void Transformer::ForwardLayer(const Layer& layer, std::int64_t num_tokens,
                               const AttentionStep& step, const kernels::KvLayerView& cache) {
  const kernels::MatrixView hidden = buffers_.hidden.Rows(num_tokens);
  const kernels::MatrixView normed = buffers_.normed.Rows(num_tokens);
  layer.input_norm.Forward(hidden, normed, context());
  layer.attention.Forward(normed, hidden, step, cache,
                          {.q = buffers_.q.Rows(num_tokens),
                           .k = buffers_.k.Rows(num_tokens),
                           .v = buffers_.v.Rows(num_tokens),
                           .out = buffers_.attention.Rows(num_tokens)},
                          context());
  layer.post_attention_norm.Forward(hidden, normed, context());
  layer.mlp.Forward(normed, hidden, buffers_.gate.Rows(num_tokens), buffers_.up.Rows(num_tokens),
                    context());
}

void Transformer::Forward(const ForwardBatch& batch, const KvCache& cache) {
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
  plan_ = device_.kernels().plan_paged_attention(attention_batch);
  const AttentionStep step = {
      .positions = buffers_.positions.Upload(batch.positions, device_, *stream_),
      .slot_mapping = buffers_.slot_mapping.Upload(batch.slot_mapping, device_, *stream_),
      .inverse_frequency = static_cast<const float*>(weights_.inverse_frequency.view.data),
      .batch = attention_batch,
      .plan = plan_.get()};
  weights_.embedding.Forward(buffers_.ids.Upload(batch.ids, device_, *stream_),
                             buffers_.hidden.Rows(num_tokens_), context());
  for (std::int32_t i = 0; i < config_.num_layers; ++i) {
    ForwardLayer(weights_.layers[static_cast<std::size_t>(i)], num_tokens_, step, cache.Layer(i));
  }
}

StatusOr<std::span<const float>> Transformer::Logits(std::span<const std::int32_t> rows) {
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
  const std::int64_t size = num_rows * config_.vocab_size;
  host_logits_.resize(std::max(host_logits_.size(), static_cast<std::size_t>(size)));
  device_.CopyToHost(host_logits_.data(), logits.data,
                     size * static_cast<std::int64_t>(sizeof(float)), *stream_);
  QUIRE_RETURN_IF_ERROR(Wait());
  return std::span<const float>(host_logits_.data(), static_cast<std::size_t>(size));
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
  return total + b.logits.size_bytes();  // and their copy on the host
}

std::int64_t Transformer::step_weight_bytes() const {
  return weights_.lm_head ? weight_bytes_ - weights_.embedding.size_bytes() : weight_bytes_;
}

Status Transformer::Wait() {
  QUIRE_RETURN_IF_ERROR(device_.Synchronize(*stream_));
  return CheckFiles();
}

}  // namespace quire::engine
