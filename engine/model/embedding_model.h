#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/status.h"
#include "kernels/pooling.h"

namespace quire::engine {

// How the vectors of a text's tokens become one.
struct PoolingConfig {
  kernels::PoolArgs::Kind kind = kernels::PoolArgs::Kind::kMean;
  bool normalize = true;
};

// Token ids of texts to one vector per text. Implementations: Encoder, StaticEmbedding.
//
// Thread-compatible. The device it was loaded on must outlive it.
class EmbeddingModel {
 public:
  virtual ~EmbeddingModel() = default;

  // Pooled vectors of a packed batch, [num_sequences, hidden_size], and waits for them. `ids`:
  // [tokens]; `cu_seqlens`: [num_sequences + 1] prefix sums. Calls `before_layer` before it
  // enqueues a layer, at least once. Valid until the next call. Returns INTERNAL if a kernel
  // failed, DATA_LOSS if the weights' file was truncated or written to. Requires: no sequence is
  // empty or longer than max_position_embeddings, ids below vocab_size, sizes within the limits of
  // Load.
  virtual StatusOr<std::span<const float>> Encode(std::span<const std::int32_t> ids,
                                                  std::span<const std::int32_t> cu_seqlens,
                                                  const PoolingConfig& pooling,
                                                  const std::function<void()>& before_layer) = 0;

  virtual std::int64_t weight_bytes() const = 0;
  // Activations and index arrays.
  virtual std::int64_t workspace_bytes() const = 0;
};

}  // namespace quire::engine
