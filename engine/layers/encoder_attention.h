#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "engine/layers/layer_context.h"
#include "engine/layers/linear.h"
#include "engine/layers/weight_loader.h"
#include "kernels/paged_attention.h"

namespace quire::engine {

// Bidirectional multi-head attention inside each sequence of a packed batch (BERT). Source:
// Vaswani et al. 2017, "Attention Is All You Need", section 3.2.
//
// Thread-safe: immutable after Load.
class EncoderAttention {
 public:
  // Scratch, each [tokens, hidden_size] f32.
  struct Buffers {
    kernels::MatrixView q;
    kernels::MatrixView k;
    kernels::MatrixView v;
    kernels::MatrixView out;
  };

  // Reads self.query, self.key, self.value and output.dense below `prefix`.
  static StatusOr<EncoderAttention> Load(WeightLoader& loader, const std::string& prefix,
                                         std::int32_t num_heads, std::int32_t head_dim);

  // x += attention(x). `x`: [tokens, hidden_size].
  void Forward(const kernels::MatrixView& x, const kernels::CuSeqlens& sequences,
               const Buffers& buffers, const LayerContext& context) const;

 private:
  EncoderAttention(Linear q, Linear k, Linear v, Linear o, std::int32_t num_heads,
                   std::int32_t head_dim)
      : q_(std::move(q)),
        k_(std::move(k)),
        v_(std::move(v)),
        o_(std::move(o)),
        num_heads_(num_heads),
        head_dim_(head_dim) {}

  Linear q_;
  Linear k_;
  Linear v_;
  Linear o_;
  std::int32_t num_heads_;
  std::int32_t head_dim_;
};

}  // namespace quire::engine
