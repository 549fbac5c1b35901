#include "engine/model/encoder.h"

#include "base/check.h"

namespace quire::engine {
std::string Encoder::TensorPrefix(const WeightSource& weights) {
  for (const char* prefix : {"bert.", "roberta."}) {
    if (weights.Contains(std::string(prefix) + "embeddings.word_embeddings.weight")) return prefix;
  }
  return "";
}

StatusOr<std::unique_ptr<Encoder>> Encoder::Load(const ModelConfig& config,
                                                 const WeightSource& weights,
                                                 std::int32_t max_batch_tokens,
                                                 std::int32_t max_sequences,
                                                 kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<kernels::Stream> stream, device.NewStream());
  WeightLoader loader(weights, device, *stream);
  QUIRE_ASSIGN_OR_RETURN(Weights loaded, LoadWeights(config, loader, TensorPrefix(weights)));
  QUIRE_ASSIGN_OR_RETURN(MappedFileStates files, loader.Finish());
  QUIRE_ASSIGN_OR_RETURN(Buffers buffers,
                         CreateBuffers(config, max_batch_tokens, max_sequences, device));
  return std::unique_ptr<Encoder>(new Encoder(config, device, std::move(stream), std::move(loaded),
                                              std::move(files), std::move(buffers),
                                              loader.weight_bytes()));
}

Encoder::Encoder(const ModelConfig& config, kernels::Device& device,
                 std::unique_ptr<kernels::Stream> stream, Weights weights, MappedFileStates files,
                 Buffers buffers, std::int64_t weight_bytes)
    : config_(config),
      device_(device),
      stream_(std::move(stream)),
      weights_(std::move(weights)),
      files_(std::move(files)),
      buffers_(std::move(buffers)),
      weight_bytes_(weight_bytes) {}

StatusOr<Encoder::Layer> Encoder::LoadLayer(const ModelConfig& config, WeightLoader& loader,
                                            const std::string& prefix) {
  const MlpShape mlp_shape = {.hidden_size = config.hidden_size,
                              .intermediate_size = config.intermediate_size,
                              .bias = true,
                              .activation = config.activation};
  const auto norm = [&](const char* name) {
    return LayerNorm::Load(loader, prefix + name, config.hidden_size, config.norm_epsilon);
  };
  QUIRE_ASSIGN_OR_RETURN(
      EncoderAttention attention,
      EncoderAttention::Load(loader, prefix + "attention.", config.num_heads, config.head_dim));
  QUIRE_ASSIGN_OR_RETURN(LayerNorm attention_norm, norm("attention.output.LayerNorm"));
  QUIRE_ASSIGN_OR_RETURN(Mlp mlp, Mlp::Load(loader, prefix + "intermediate.dense",
                                            prefix + "output.dense", mlp_shape));
  QUIRE_ASSIGN_OR_RETURN(LayerNorm output_norm, norm("output.LayerNorm"));
  return Layer{std::move(attention), std::move(attention_norm), std::move(mlp),
               std::move(output_norm)};
}

StatusOr<Encoder::Weights> Encoder::LoadWeights(const ModelConfig& config, WeightLoader& loader,
                                                const std::string& prefix) {
  const auto table = [&](const char* name, std::int32_t rows) {
    return loader.Matrix(prefix + "embeddings." + name + ".weight", rows, config.hidden_size);
  };
  QUIRE_ASSIGN_OR_RETURN(Embedding words,
                         Embedding::Load(loader, prefix + "embeddings.word_embeddings",
                                         config.vocab_size, config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(
      Weight positions,
      table("position_embeddings", config.first_position() + config.max_position_embeddings));
  std::optional<Weight> types;
  if (config.type_vocab_size > 0) {
    QUIRE_ASSIGN_OR_RETURN(types, table("token_type_embeddings", config.type_vocab_size));
  }
  QUIRE_ASSIGN_OR_RETURN(LayerNorm norm, LayerNorm::Load(loader, prefix + "embeddings.LayerNorm",
                                                         config.hidden_size, config.norm_epsilon));
  std::vector<Layer> layers;
  for (std::int32_t i = 0; i < config.num_layers; ++i) {
    QUIRE_ASSIGN_OR_RETURN(
        Layer layer, LoadLayer(config, loader, fmt::format("{}encoder.layer.{}.", prefix, i)));
    layers.push_back(std::move(layer));
  }
  return Weights{std::move(words), std::move(positions), std::move(types), std::move(norm),
                 std::move(layers)};
}

StatusOr<Encoder::Buffers> Encoder::CreateBuffers(const ModelConfig& config,
                                                  std::int32_t max_batch_tokens,
                                                  std::int32_t max_sequences,
                                                  kernels::Device& device) {
  const auto rows = [&](std::int64_t cols) {
    return ActivationBuffer::Create(max_batch_tokens, cols, device);
  };
  const auto index = [&](std::int64_t size) { return IndexBuffer::Create(size, device); };
  Buffers buffers;
  QUIRE_ASSIGN_OR_RETURN(buffers.hidden, rows(config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.q, rows(config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.k, rows(config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.v, rows(config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.attention, rows(config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.intermediate, rows(config.intermediate_size));
  QUIRE_ASSIGN_OR_RETURN(buffers.pooled,
                         ActivationBuffer::Create(max_sequences, config.hidden_size, device));
  QUIRE_ASSIGN_OR_RETURN(buffers.ids, index(max_batch_tokens));
  QUIRE_ASSIGN_OR_RETURN(buffers.positions, index(max_batch_tokens));
  QUIRE_ASSIGN_OR_RETURN(buffers.types, index(max_batch_tokens));
  QUIRE_ASSIGN_OR_RETURN(buffers.cu_seqlens, index(std::int64_t{max_sequences} + 1));
  return buffers;
}

std::int64_t Encoder::workspace_bytes() const {
  const Buffers& b = buffers_;
  std::int64_t total = b.pooled.size_bytes();  // the copy on the host
  for (const ActivationBuffer* buffer :
       {&b.hidden, &b.q, &b.k, &b.v, &b.attention, &b.intermediate, &b.pooled}) {
    total += buffer->size_bytes();
  }
  for (const IndexBuffer* buffer : {&b.ids, &b.positions, &b.types, &b.cu_seqlens}) {
    total += buffer->size_bytes();
  }
  return total;
}

void Encoder::AddPositions(std::span<const std::int32_t> ids) {
  std::int32_t next = config_.first_position();
  for (const std::int32_t id : ids) {
    positions_.push_back(config_.position_padding_id == id ? id : next++);
  }
}

void Encoder::Embed(const EncoderBatch& batch) {
  const auto& [ids, type_ids, cu_seqlens] = batch;
  positions_.clear();
  for (std::size_t i = 0; i + 1 < cu_seqlens.size(); ++i) {
    AddPositions(ids.subspan(static_cast<std::size_t>(cu_seqlens[i]),
                             static_cast<std::size_t>(cu_seqlens[i + 1] - cu_seqlens[i])));
  }
  types_.assign(type_ids.begin(), type_ids.end());
  types_.resize(ids.size());
  const kernels::MatrixView hidden = buffers_.hidden.Rows(static_cast<std::int64_t>(ids.size()));
  weights_.word_embedding.Forward(buffers_.ids.Upload(ids, device_, *stream_), hidden, context());
  const auto add_rows = [&](const Weight& table, const std::int32_t* rows) {
    device_.kernels().embed_rows(
        {.table = table.view, .ids = rows, .out = hidden, .accumulate = true}, *stream_);
  };
  add_rows(weights_.position_embedding, buffers_.positions.Upload(positions_, device_, *stream_));
  if (weights_.type_embedding) {
    add_rows(*weights_.type_embedding, buffers_.types.Upload(types_, device_, *stream_));
  }
  weights_.embedding_norm.Forward(hidden, context());
}

kernels::MatrixView Encoder::Forward(const EncoderBatch& batch, const PoolingConfig& pooling,
                                     const std::function<void()>& before_layer) {
  QUIRE_DCHECK(!batch.ids.empty() && batch.cu_seqlens.size() > 1);
  const auto num_tokens = static_cast<std::int64_t>(batch.ids.size());
  const auto num_sequences = static_cast<std::int32_t>(batch.cu_seqlens.size() - 1);
  const kernels::CuSeqlens sequences = {
      .data = buffers_.cu_seqlens.Upload(batch.cu_seqlens, device_, *stream_),
      .num_sequences = num_sequences};
  const kernels::MatrixView hidden = buffers_.hidden.Rows(num_tokens);
  Embed(batch);
  for (const Layer& layer : weights_.layers) {
    before_layer();
    layer.attention.Forward(hidden, sequences,
                            {.q = buffers_.q.Rows(num_tokens),
                             .k = buffers_.k.Rows(num_tokens),
                             .v = buffers_.v.Rows(num_tokens),
                             .out = buffers_.attention.Rows(num_tokens)},
                            context());
    layer.attention_norm.Forward(hidden, context());
    layer.mlp.Forward(hidden, hidden, buffers_.intermediate.Rows(num_tokens), context());
    layer.output_norm.Forward(hidden, context());
  }
  const kernels::MatrixView pooled = buffers_.pooled.Rows(num_sequences);
  device_.kernels().pool({.x = hidden,
                          .sequences = sequences,
                          .out = pooled,
                          .kind = pooling.kind,
                          .normalize = pooling.normalize},
                         *stream_);
  return pooled;
}

Status Encoder::ReadRows(const kernels::MatrixView& rows, std::vector<float>& out) {
  out.resize(static_cast<std::size_t>(rows.rows * rows.cols));
  device_.CopyToHost(out.data(), rows.data, static_cast<std::int64_t>(out.size() * sizeof(float)),
                     *stream_);
  QUIRE_RETURN_IF_ERROR(device_.Synchronize(*stream_));
  return CheckUnchanged(files_);
}

StatusOr<std::span<const float>> Encoder::Encode(std::span<const std::int32_t> ids,
                                                 std::span<const std::int32_t> cu_seqlens,
                                                 const PoolingConfig& pooling,
                                                 const std::function<void()>& before_layer) {
  const EncoderBatch batch = {.ids = ids, .type_ids = {}, .cu_seqlens = cu_seqlens};
  QUIRE_RETURN_IF_ERROR(ReadRows(Forward(batch, pooling, before_layer), host_pooled_));
  return std::span<const float>(host_pooled_);
}

}  // namespace quire::engine
