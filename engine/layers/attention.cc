#include "engine/layers/attention.h"

#include <cmath>

namespace quire::engine {

StatusOr<Attention> Attention::Load(WeightLoader& loader, const std::string& prefix,
                                    const AttentionShape& shape) {
  const std::int64_t q_size = std::int64_t{shape.num_heads} * shape.head_dim;
  const std::int64_t kv_size = std::int64_t{shape.num_kv_heads} * shape.head_dim;
  const auto load = [&](const char* name, std::int64_t out, std::int64_t in, bool bias) {
    return Linear::Load(loader, prefix + name, out, in, bias);
  };
  QUIRE_ASSIGN_OR_RETURN(Linear q, load("q_proj", q_size, shape.hidden_size, shape.qkv_bias));
  QUIRE_ASSIGN_OR_RETURN(Linear k, load("k_proj", kv_size, shape.hidden_size, shape.qkv_bias));
  QUIRE_ASSIGN_OR_RETURN(Linear v, load("v_proj", kv_size, shape.hidden_size, shape.qkv_bias));
  QUIRE_ASSIGN_OR_RETURN(Linear o, load("o_proj", shape.hidden_size, q_size, shape.output_bias));
  return Attention(std::move(q), std::move(k), std::move(v), std::move(o), shape);
}

void Attention::Rotate(const kernels::MatrixView& x, const AttentionStep& step,
                       const LayerContext& context) const {
  context.kernels.rope({.x = x,
                        .positions = step.positions,
                        .inverse_frequency = step.inverse_frequency,
                        .head_dim = shape_.head_dim,
                        .rotary_dim = shape_.head_dim},
                       context.stream);
}

void Attention::Forward(const kernels::MatrixView& x, const kernels::MatrixView& residual,
                        const AttentionStep& step, const kernels::KvLayerView& cache,
                        const AttentionBuffers& buffers, const LayerContext& context) const {
  q_.Forward(x, buffers.q, /*accumulate=*/false, context);
  k_.Forward(x, buffers.k, /*accumulate=*/false, context);
  v_.Forward(x, buffers.v, /*accumulate=*/false, context);
  Rotate(buffers.q, step, context);
  Rotate(buffers.k, step, context);
  context.kernels.store_kv(
      {.k = buffers.k, .v = buffers.v, .slot_mapping = step.slot_mapping, .cache = cache},
      context.stream);
  context.kernels.paged_attention({.q = buffers.q,
                                   .out = buffers.out,
                                   .cache = cache,
                                   .batch = step.batch,
                                   .plan = step.plan,
                                   .scale = 1.0f / std::sqrt(static_cast<float>(shape_.head_dim)),
                                   .sliding_window = shape_.sliding_window},
                                  context.stream);
  o_.Forward(buffers.out, residual, /*accumulate=*/true, context);
}

}  // namespace quire::engine
