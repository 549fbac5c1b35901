#include "engine/layers/encoder_attention.h"

#include <cmath>

namespace quire::engine {

StatusOr<EncoderAttention> EncoderAttention::Load(WeightLoader& loader, const std::string& prefix,
                                                  std::int32_t num_heads, std::int32_t head_dim) {
  const std::int64_t hidden_size = std::int64_t{num_heads} * head_dim;
  const auto load = [&](const char* name) {
    return Linear::Load(loader, prefix + name, hidden_size, hidden_size, /*has_bias=*/true);
  };
  QUIRE_ASSIGN_OR_RETURN(Linear q, load("self.query"));
  QUIRE_ASSIGN_OR_RETURN(Linear k, load("self.key"));
  QUIRE_ASSIGN_OR_RETURN(Linear v, load("self.value"));
  QUIRE_ASSIGN_OR_RETURN(Linear o, load("output.dense"));
  return EncoderAttention(std::move(q), std::move(k), std::move(v), std::move(o), num_heads,
                          head_dim);
}

void EncoderAttention::Forward(const kernels::MatrixView& x, const kernels::CuSeqlens& sequences,
                               const Buffers& buffers, const LayerContext& context) const {
  q_.Forward(x, buffers.q, /*accumulate=*/false, context);
  k_.Forward(x, buffers.k, /*accumulate=*/false, context);
  v_.Forward(x, buffers.v, /*accumulate=*/false, context);
  context.kernels.encoder_attention({.q = buffers.q,
                                     .k = buffers.k,
                                     .v = buffers.v,
                                     .out = buffers.out,
                                     .sequences = sequences,
                                     .num_heads = num_heads_,
                                     .head_dim = head_dim_,
                                     .scale = 1.0f / std::sqrt(static_cast<float>(head_dim_))},
                                    context.stream);
  o_.Forward(buffers.out, x, /*accumulate=*/true, context);
}

}  // namespace quire::engine
