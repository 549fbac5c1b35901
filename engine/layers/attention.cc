#include "engine/layers/attention.h"

namespace quire::engine {
namespace {

// The heads of all tokens as rows. Requires rows of `x` without space between them.
kernels::MatrixView HeadsOf(const kernels::MatrixView& x, std::int64_t head_dim) {
  return {.data = x.data,
          .rows = x.rows * x.cols / head_dim,
          .cols = head_dim,
          .row_stride = head_dim,
          .dtype = x.dtype};
}

}  // namespace

StatusOr<Attention> Attention::Load(WeightLoader& loader, const AttentionPlaces& places,
                                    const AttentionShape& shape) {
  QUIRE_ASSIGN_OR_RETURN(Linear q, Linear::Load(loader, places.q, shape.qkv_bias));
  QUIRE_ASSIGN_OR_RETURN(Linear k, Linear::Load(loader, places.k, shape.qkv_bias));
  QUIRE_ASSIGN_OR_RETURN(Linear v, Linear::Load(loader, places.v, shape.qkv_bias));
  QUIRE_ASSIGN_OR_RETURN(Linear o, Linear::Load(loader, places.o, shape.output_bias));
  Attention attention(std::move(q), std::move(k), std::move(v), std::move(o), shape);
  if (!places.q_norm.empty()) {
    QUIRE_ASSIGN_OR_RETURN(attention.q_norm_, Norm::Load(loader, places.q_norm, shape.head_norm));
  }
  if (!places.k_norm.empty()) {
    QUIRE_ASSIGN_OR_RETURN(attention.k_norm_, Norm::Load(loader, places.k_norm, shape.head_norm));
  }
  return attention;
}

void Attention::NormHeads(const kernels::MatrixView& x, const std::optional<Norm>& norm,
                          const LayerContext& context) const {
  if (!norm) return;
  const kernels::MatrixView heads = HeadsOf(x, shape_.head_dim);
  norm->Forward(heads, heads, context);
}

void Attention::Forward(const kernels::MatrixView& x, const kernels::MatrixView& out,
                        bool accumulate, const AttentionStep& step,
                        const kernels::KvLayerView& cache, const AttentionBuffers& buffers,
                        const LayerContext& context) const {
  q_.Forward(x, buffers.q, /*accumulate=*/false, context);
  k_.Forward(x, buffers.k, /*accumulate=*/false, context);
  v_.Forward(x, buffers.v, /*accumulate=*/false, context);
  NormHeads(buffers.q, q_norm_, context);
  NormHeads(buffers.k, k_norm_, context);
  context.kernels.rotate_and_store({.rope = {.x = buffers.q,
                                             .positions = step.positions,
                                             .inverse_frequency = step.rope.inverse_frequency,
                                             .head_dim = shape_.head_dim,
                                             .rotary_dim = shape_.rotary_dim,
                                             .attention_factor = step.rope.attention_factor},
                                    .store = {.k = buffers.k,
                                              .v = buffers.v,
                                              .slot_mapping = step.slot_mapping,
                                              .cache = cache}},
                                   context.stream);
  context.kernels.paged_attention({.q = buffers.q,
                                   .out = buffers.rows,
                                   .cache = cache,
                                   .batch = step.batch,
                                   .plan = step.plan,
                                   .scale = shape_.scale,
                                   .sliding_window = shape_.sliding_window,
                                   .soft_cap = shape_.soft_cap},
                                  context.stream);
  o_.Forward(buffers.rows, out, accumulate, context);
}

}  // namespace quire::engine
