#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "engine/layers/layer_context.h"
#include "engine/layers/linear.h"
#include "engine/layers/weight_loader.h"
#include "kernels/paged_attention.h"

namespace quire::engine {

struct AttentionShape {
  std::int32_t hidden_size = 0;
  std::int32_t num_heads = 0;
  std::int32_t num_kv_heads = 0;
  std::int32_t head_dim = 0;
  bool qkv_bias = false;
  bool output_bias = false;
  std::int32_t sliding_window = 0;  // 0: none
};

// What one forward pass gives to the attention of every layer.
struct AttentionStep {
  const std::int32_t* positions = nullptr;     // [tokens], on the device
  const std::int32_t* slot_mapping = nullptr;  // [tokens], on the device
  const float* inverse_frequency = nullptr;    // [head_dim / 2], on the device
  kernels::AttentionBatch batch;               // in host memory
  const kernels::AttentionPlan* plan = nullptr;
};

// Scratch of one forward pass, f32.
struct AttentionBuffers {
  kernels::MatrixView q;    // [tokens, num_heads * head_dim]
  kernels::MatrixView k;    // [tokens, num_kv_heads * head_dim]
  kernels::MatrixView v;    // the same
  kernels::MatrixView out;  // [tokens, num_heads * head_dim]; may be the layer's input
};

// Causal grouped-query attention with rotary positions over the paged KV cache. Source: Ainslie et
// al. 2023, "GQA".
//
// Thread-safe: immutable after Load.
class Attention {
 public:
  // Reads q_proj, k_proj, v_proj and o_proj below `prefix`.
  static StatusOr<Attention> Load(WeightLoader& loader, const std::string& prefix,
                                  const AttentionShape& shape);

  // Stores keys and values of `x` [tokens, hidden_size] in `cache` and adds the output to
  // `residual`, of the same shape.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& residual,
               const AttentionStep& step, const kernels::KvLayerView& cache,
               const AttentionBuffers& buffers, const LayerContext& context) const;

 private:
  Attention(Linear q, Linear k, Linear v, Linear o, const AttentionShape& shape)
      : q_(std::move(q)), k_(std::move(k)), v_(std::move(v)), o_(std::move(o)), shape_(shape) {}

  void Rotate(const kernels::MatrixView& x, const AttentionStep& step,
              const LayerContext& context) const;

  Linear q_;
  Linear k_;
  Linear v_;
  Linear o_;
  AttentionShape shape_;
};

}  // namespace quire::engine
