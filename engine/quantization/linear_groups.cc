#include "engine/quantization/linear_groups.h"

namespace quire::engine {

StatusOr<std::vector<LinearGroup>> LinearGroups(const ModelConfig& config,
                                                const std::string& prefix, std::int32_t layer) {
  const DecoderLayout& layout = config.layout;
  if (prefix != "" && prefix != "model." && prefix != "transformer.") {
    return Unimplemented("quantizing: wanted a language model, have one that is a part of {}",
                         config.architecture);
  }
  const std::string inside = fmt::format("{}{}.{}.", prefix, layout.layers, layer);
  const auto name = [&](std::string_view part) { return inside + std::string(part); };
  const auto linear = [&](std::string_view part, std::int64_t out, std::int64_t in) {
    return LinearShape{.name = name(part),
                       .suffix = std::string(part),
                       .out = out,
                       .in = in,
                       .is_transposed = layout.has_transposed_weights};
  };
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t inner = config.intermediate_size;
  const std::int64_t q_size = std::int64_t{config.num_heads} * config.head_dim;
  const std::int64_t kv_size = std::int64_t{config.num_kv_heads} * config.head_dim;

  LinearGroup qkv = {.linears = {}, .source = name(layout.attention_norm), .source_is_norm = true};
  LinearGroup o = {.linears = {linear(layout.o, hidden, q_size)}, .source = ""};
  if (layout.has_fused_qkv()) {
    qkv.linears = {linear(layout.q, q_size + 2 * kv_size, hidden)};
  } else {
    qkv.linears = {linear(layout.q, q_size, hidden), linear(layout.k, kv_size, hidden),
                   linear(layout.v, kv_size, hidden)};
    o.source = name(layout.v);
  }
  LinearGroup up = {.linears = {}, .source = name(layout.mlp_norm), .source_is_norm = true};
  LinearGroup down = {.linears = {linear(layout.down, hidden, inner)}, .source = ""};
  if (layout.has_gate() && layout.has_fused_gate()) {
    up.linears = {linear(layout.up, 2 * inner, hidden)};
  } else if (layout.has_gate()) {
    up.linears = {linear(layout.gate, inner, hidden), linear(layout.up, inner, hidden)};
    // The gate's activation is a factor of it; without a gate there is a function in between.
    down.source = name(layout.up);
  } else {
    up.linears = {linear(layout.up, inner, hidden)};
  }
  return std::vector<LinearGroup>{std::move(qkv), std::move(o), std::move(up), std::move(down)};
}

}  // namespace quire::engine
