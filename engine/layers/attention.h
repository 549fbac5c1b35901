#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "engine/layers/layer_context.h"
#include "engine/layers/linear.h"
#include "engine/layers/norm.h"
#include "engine/layers/weight_loader.h"
#include "kernels/paged_attention.h"

namespace quire::engine {

struct AttentionShape {
  std::int32_t hidden_size = 0;
  std::int32_t num_heads = 0;
  std::int32_t num_kv_heads = 0;
  std::int32_t head_dim = 0;
  std::int32_t rotary_dim = 0;  // 0: positions do not turn q and k
  bool qkv_bias = false;
  bool output_bias = false;
  float scale = 1.0f;               // of scores
  float soft_cap = 0.0f;            // of scores; 0: none
  std::int32_t sliding_window = 0;  // 0: none
  NormShape head_norm = {};         // of each head of q and k, where they have one
};

struct AttentionPlaces {
  LinearPlace q;       // [num_heads * head_dim, hidden_size]
  LinearPlace k;       // [num_kv_heads * head_dim, hidden_size]
  LinearPlace v;       // the same
  LinearPlace o;       // [hidden_size, num_heads * head_dim]
  std::string q_norm;  // empty: none
  std::string k_norm;  // the same
};

// How rotary pairs turn.
struct RopeTable {
  const float* inverse_frequency = nullptr;  // [rotary_dim / 2], on the device
  float attention_factor = 1.0f;
};

// What one forward pass gives to the attention of every layer.
struct AttentionStep {
  const std::int32_t* positions = nullptr;     // [tokens], on the device
  const std::int32_t* slot_mapping = nullptr;  // [tokens], on the device
  RopeTable rope;
  kernels::AttentionBatch batch;  // in host memory
  const kernels::AttentionPlan* plan = nullptr;
};

// Scratch of one forward pass, f32.
struct AttentionBuffers {
  kernels::MatrixView q;     // [tokens, num_heads * head_dim]
  kernels::MatrixView k;     // [tokens, num_kv_heads * head_dim]
  kernels::MatrixView v;     // the same
  kernels::MatrixView rows;  // [tokens, num_heads * head_dim], what heads give
};

// Causal grouped-query attention over the paged KV cache, with rotary positions and norms of q and
// k where the model has them. Source: Ainslie et al. 2023, "GQA"; Henry et al. 2020, "Query-Key
// Normalization for Transformers".
//
// Thread-safe: immutable after Load.
class Attention {
 public:
  static StatusOr<Attention> Load(WeightLoader& loader, const AttentionPlaces& places,
                                  const AttentionShape& shape);

  // Stores keys and values of `x` [tokens, hidden_size] in `cache`. The output goes to `out`, of
  // the same shape, or is added to it if `accumulate`; `out` may be `x`.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& out, bool accumulate,
               const AttentionStep& step, const kernels::KvLayerView& cache,
               const AttentionBuffers& buffers, const LayerContext& context) const;

 private:
  Attention(Linear q, Linear k, Linear v, Linear o, const AttentionShape& shape)
      : q_(std::move(q)), k_(std::move(k)), v_(std::move(v)), o_(std::move(o)), shape_(shape) {}

  // Norm, where there is one, of each head of `x`, in place.
  void NormHeads(const kernels::MatrixView& x, const std::optional<Norm>& norm,
                 const LayerContext& context) const;

  Linear q_;
  Linear k_;
  Linear v_;
  Linear o_;
  std::optional<Norm> q_norm_;  // over head_dim elements
  std::optional<Norm> k_norm_;
  AttentionShape shape_;
};

}  // namespace quire::engine
