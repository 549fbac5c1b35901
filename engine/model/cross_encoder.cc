#include "engine/model/cross_encoder.h"

#include <cmath>
#include <string>

#include "engine/layers/weight_loader.h"

namespace quire::engine {

StatusOr<std::unique_ptr<CrossEncoder>> CrossEncoder::Load(const ModelConfig& config,
                                                           const WeightSource& weights,
                                                           std::int32_t max_batch_tokens,
                                                           std::int32_t max_sequences,
                                                           kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(auto encoder,
                         Encoder::Load(config, weights, max_batch_tokens, max_sequences, device));
  WeightLoader loader(weights, device, encoder->context().stream);
  QUIRE_ASSIGN_OR_RETURN(Head head, LoadHead(config, Encoder::TensorPrefix(weights), loader));
  QUIRE_ASSIGN_OR_RETURN(MappedFileStates files, loader.Finish());
  Buffers buffers;
  QUIRE_ASSIGN_OR_RETURN(buffers.dense,
                         ActivationBuffer::Create(max_sequences, config.hidden_size, device));
  QUIRE_ASSIGN_OR_RETURN(buffers.logits, ActivationBuffer::Create(
                                             max_sequences, config.classifier.num_labels, device));
  return std::unique_ptr<CrossEncoder>(new CrossEncoder(device, std::move(encoder), std::move(head),
                                                        std::move(files), std::move(buffers),
                                                        loader.weight_bytes()));
}

CrossEncoder::CrossEncoder(kernels::Device& device, std::unique_ptr<Encoder> encoder, Head head,
                           MappedFileStates head_files, Buffers buffers,
                           std::int64_t head_weight_bytes)
    : device_(device),
      encoder_(std::move(encoder)),
      head_(std::move(head)),
      head_files_(std::move(head_files)),
      buffers_(std::move(buffers)),
      head_weight_bytes_(head_weight_bytes) {}

// BERT's dense layer is its pooler, which belongs to the encoder by name.
StatusOr<CrossEncoder::Head> CrossEncoder::LoadHead(const ModelConfig& config,
                                                    const std::string& prefix,
                                                    WeightLoader& loader) {
  const bool has_pooler = config.model_type == "bert";
  const std::string dense_name = has_pooler ? prefix + "pooler.dense" : "classifier.dense";
  const std::string labels_name = has_pooler ? "classifier" : "classifier.out_proj";
  QUIRE_ASSIGN_OR_RETURN(Linear dense, Linear::Load(loader, dense_name, config.hidden_size,
                                                    config.hidden_size, /*has_bias=*/true));
  QUIRE_ASSIGN_OR_RETURN(Linear labels,
                         Linear::Load(loader, labels_name, config.classifier.num_labels,
                                      config.hidden_size, /*has_bias=*/true));
  return Head{std::move(dense), std::move(labels)};
}

StatusOr<std::span<const float>> CrossEncoder::Score(const EncoderBatch& batch,
                                                     const std::function<void()>& before_layer) {
  const kernels::MatrixView first = encoder_->Forward(
      batch, {.kind = kernels::PoolArgs::Kind::kFirst, .normalize = false}, before_layer);
  const kernels::MatrixView dense = buffers_.dense.Rows(first.rows);
  head_.dense.Forward(first, dense, /*accumulate=*/false, encoder_->context());
  // A vector per pair: not worth an operation of its own on the device.
  QUIRE_RETURN_IF_ERROR(encoder_->ReadRows(dense, host_dense_));
  for (float& value : host_dense_) value = std::tanh(value);
  device_.CopyToDevice(dense.data, host_dense_.data(),
                       static_cast<std::int64_t>(host_dense_.size() * sizeof(float)),
                       encoder_->context().stream);
  const kernels::MatrixView logits = buffers_.logits.Rows(first.rows);
  head_.labels.Forward(dense, logits, /*accumulate=*/false, encoder_->context());
  QUIRE_RETURN_IF_ERROR(encoder_->ReadRows(logits, host_logits_));
  QUIRE_RETURN_IF_ERROR(CheckUnchanged(head_files_));
  return std::span<const float>(host_logits_);
}

std::int64_t CrossEncoder::workspace_bytes() const {
  // Both twice: there are copies on the host.
  return encoder_->workspace_bytes() +
         2 * (buffers_.dense.size_bytes() + buffers_.logits.size_bytes());
}

}  // namespace quire::engine
