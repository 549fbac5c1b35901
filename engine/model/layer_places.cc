#include "engine/model/layer_places.h"

#include <cmath>
#include <string_view>

namespace quire::engine {
namespace {

// Names of layers below a prefix.
class Places {
 public:
  Places(const ModelConfig& config, const std::string& prefix) : config_(config), prefix_(prefix) {}

  std::string Name(std::string_view name) const {
    return name.empty() ? std::string() : prefix_ + std::string(name);
  }
  LinearPlace Alone(std::string_view name, std::int64_t out, std::int64_t in) const {
    return Rows(name, out, in, /*first_row=*/0, /*stored_rows=*/0);
  }
  LinearPlace Rows(std::string_view name, std::int64_t out, std::int64_t in, std::int64_t first_row,
                   std::int64_t stored_rows) const {
    return {.name = Name(name),
            .out = out,
            .in = in,
            .first_row = first_row,
            .stored_rows = stored_rows,
            .is_transposed = config_.layout.has_transposed_weights};
  }

 private:
  const ModelConfig& config_;
  const std::string& prefix_;
};

}  // namespace

AttentionShape AttentionShapeOf(const ModelConfig& config, std::int32_t layer) {
  const float scale = config.attention_scale != 0.0f
                          ? config.attention_scale
                          : 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  return {.hidden_size = config.hidden_size,
          .num_heads = config.num_heads,
          .num_kv_heads = config.num_kv_heads,
          .head_dim = config.head_dim,
          .rotary_dim = config.rotary_dim,
          .qkv_bias = config.attention_bias,
          .output_bias = config.attention_output_bias,
          .scale = scale,
          .soft_cap = config.attention_soft_cap,
          .sliding_window = config.SlidingWindow(layer),
          .head_norm = NormShapeOf(config, config.head_dim)};
}

MlpShape MlpShapeOf(const ModelConfig& config) {
  return {.hidden_size = config.hidden_size,
          .intermediate_size = config.intermediate_size,
          .bias = config.mlp_bias,
          .activation = config.activation};
}

NormShape NormShapeOf(const ModelConfig& config, std::int64_t size) {
  return {.kind = config.norm_kind,
          .size = size,
          .epsilon = config.norm_epsilon,
          .weight_offset = config.norm_weight_offset};
}

AttentionPlaces AttentionPlacesOf(const ModelConfig& config, const std::string& prefix) {
  const DecoderLayout& layout = config.layout;
  const Places places(config, prefix);
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t q_size = std::int64_t{config.num_heads} * config.head_dim;
  const std::int64_t kv_size = std::int64_t{config.num_kv_heads} * config.head_dim;
  AttentionPlaces attention = {.q = places.Alone(layout.q, q_size, hidden),
                               .k = places.Alone(layout.k, kv_size, hidden),
                               .v = places.Alone(layout.v, kv_size, hidden),
                               .o = places.Alone(layout.o, hidden, q_size),
                               .q_norm = places.Name(layout.q_norm),
                               .k_norm = places.Name(layout.k_norm)};
  if (layout.has_fused_qkv()) {
    const std::int64_t all = q_size + 2 * kv_size;
    attention.q = places.Rows(layout.q, q_size, hidden, 0, all);
    attention.k = places.Rows(layout.k, kv_size, hidden, q_size, all);
    attention.v = places.Rows(layout.v, kv_size, hidden, q_size + kv_size, all);
  }
  return attention;
}

MlpPlaces MlpPlacesOf(const ModelConfig& config, const std::string& prefix) {
  const DecoderLayout& layout = config.layout;
  const Places places(config, prefix);
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t size = config.intermediate_size;
  MlpPlaces mlp = {.gate = {},
                   .up = places.Alone(layout.up, size, hidden),
                   .down = places.Alone(layout.down, hidden, size)};
  if (!layout.has_gate()) return mlp;
  if (layout.has_fused_gate()) {
    mlp.gate = places.Rows(layout.gate, size, hidden, 0, 2 * size);
    mlp.up = places.Rows(layout.up, size, hidden, size, 2 * size);
  } else {
    mlp.gate = places.Alone(layout.gate, size, hidden);
  }
  return mlp;
}

}  // namespace quire::engine
