#include "engine/model/static_embedding.h"

#include "base/check.h"
#include "engine/formats/static_table.h"

namespace quire::engine {

StatusOr<std::unique_ptr<StaticEmbedding>> StaticEmbedding::Load(const ModelConfig& config,
                                                                 const WeightSource& weights,
                                                                 std::int32_t max_batch_tokens,
                                                                 std::int32_t max_sequences,
                                                                 kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<kernels::Stream> stream, device.NewStream());
  WeightLoader loader(weights, device, *stream);
  QUIRE_ASSIGN_OR_RETURN(Weight table,
                         loader.Matrix(StaticTable::kName, config.vocab_size, config.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(MappedFileStates files, loader.Finish());
  QUIRE_ASSIGN_OR_RETURN(
      Buffers buffers, CreateBuffers(config.hidden_size, max_batch_tokens, max_sequences, device));
  return std::unique_ptr<StaticEmbedding>(
      new StaticEmbedding(device, std::move(stream), std::move(table), std::move(files),
                          std::move(buffers), loader.weight_bytes()));
}

StaticEmbedding::StaticEmbedding(kernels::Device& device, std::unique_ptr<kernels::Stream> stream,
                                 Weight table, MappedFileStates files, Buffers buffers,
                                 std::int64_t weight_bytes)
    : device_(device),
      stream_(std::move(stream)),
      table_(std::move(table)),
      files_(std::move(files)),
      buffers_(std::move(buffers)),
      weight_bytes_(weight_bytes) {}

StatusOr<StaticEmbedding::Buffers> StaticEmbedding::CreateBuffers(std::int64_t hidden_size,
                                                                  std::int32_t max_batch_tokens,
                                                                  std::int32_t max_sequences,
                                                                  kernels::Device& device) {
  Buffers buffers;
  QUIRE_ASSIGN_OR_RETURN(buffers.vectors,
                         ActivationBuffer::Create(max_batch_tokens, hidden_size, device));
  QUIRE_ASSIGN_OR_RETURN(buffers.pooled,
                         ActivationBuffer::Create(max_sequences, hidden_size, device));
  QUIRE_ASSIGN_OR_RETURN(buffers.ids, IndexBuffer::Create(max_batch_tokens, device));
  QUIRE_ASSIGN_OR_RETURN(buffers.cu_seqlens,
                         IndexBuffer::Create(std::int64_t{max_sequences} + 1, device));
  return buffers;
}

std::int64_t StaticEmbedding::workspace_bytes() const {
  // The pooled vectors twice: there is a copy on the host.
  return buffers_.vectors.size_bytes() + 2 * buffers_.pooled.size_bytes() +
         buffers_.ids.size_bytes() + buffers_.cu_seqlens.size_bytes();
}

StatusOr<std::span<const float>> StaticEmbedding::Encode(
    std::span<const std::int32_t> ids, std::span<const std::int32_t> cu_seqlens,
    const PoolingConfig& pooling, const std::function<void()>& before_layer) {
  QUIRE_DCHECK(!ids.empty() && cu_seqlens.size() > 1);
  const auto num_sequences = static_cast<std::int32_t>(cu_seqlens.size() - 1);
  const kernels::MatrixView vectors = buffers_.vectors.Rows(static_cast<std::int64_t>(ids.size()));
  const kernels::MatrixView pooled = buffers_.pooled.Rows(num_sequences);
  before_layer();
  device_.kernels().embed_rows(
      {.table = table_.view, .ids = buffers_.ids.Upload(ids, device_, *stream_), .out = vectors},
      *stream_);
  device_.kernels().pool(
      {.x = vectors,
       .sequences = {.data = buffers_.cu_seqlens.Upload(cu_seqlens, device_, *stream_),
                     .num_sequences = num_sequences},
       .out = pooled,
       .kind = pooling.kind,
       .normalize = pooling.normalize},
      *stream_);
  host_pooled_.resize(static_cast<std::size_t>(pooled.rows * pooled.cols));
  device_.CopyToHost(host_pooled_.data(), pooled.data,
                     static_cast<std::int64_t>(host_pooled_.size() * sizeof(float)), *stream_);
  QUIRE_RETURN_IF_ERROR(device_.Synchronize(*stream_));
  QUIRE_RETURN_IF_ERROR(CheckUnchanged(files_));
  return std::span<const float>(host_pooled_);
}

}  // namespace quire::engine
