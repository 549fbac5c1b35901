#include "engine/quantization/linear_groups.h"

namespace quire::engine {

StatusOr<std::vector<LinearGroup>> LinearGroups(const ModelConfig& config,
                                                const std::string& prefix, std::int32_t layer) {
  const DecoderLayout& layout = config.layout;
  if (layout.has_transposed_weights) {
    return Unimplemented("quantizing: wanted linear layers stored [out, in], have {}",
                         config.architecture);
  }
  if (prefix != "" && prefix != "model.") {
    return Unimplemented("quantizing: wanted a language model, have one that is a part of {}",
                         config.architecture);
  }
  const std::string inside = fmt::format("{}{}.{}.", prefix, layout.layers, layer);
  const auto name = [&](std::string_view part) { return inside + std::string(part); };
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t inner = config.intermediate_size;
  const std::int64_t q_size = std::int64_t{config.num_heads} * config.head_dim;
  const std::int64_t kv_size = std::int64_t{config.num_kv_heads} * config.head_dim;

  LinearGroup qkv = {.linears = {}, .source = name(layout.attention_norm), .source_is_norm = true};
  LinearGroup o = {.linears = {{name(layout.o), hidden, q_size}}, .source = ""};
  if (layout.has_fused_qkv()) {
    qkv.linears = {{name(layout.q), q_size + 2 * kv_size, hidden}};
  } else {
    qkv.linears = {{name(layout.q), q_size, hidden},
                   {name(layout.k), kv_size, hidden},
                   {name(layout.v), kv_size, hidden}};
    o.source = name(layout.v);
  }
  LinearGroup up = {.linears = {}, .source = name(layout.mlp_norm), .source_is_norm = true};
  LinearGroup down = {.linears = {{name(layout.down), hidden, inner}}, .source = ""};
  if (layout.has_gate() && layout.has_fused_gate()) {
    up.linears = {{name(layout.up), 2 * inner, hidden}};
  } else if (layout.has_gate()) {
    up.linears = {{name(layout.gate), inner, hidden}, {name(layout.up), inner, hidden}};
    // The gate's activation is a factor of it; without a gate there is a function in between.
    down.source = name(layout.up);
  } else {
    up.linears = {{name(layout.up), inner, hidden}};
  }
  return std::vector<LinearGroup>{std::move(qkv), std::move(o), std::move(up), std::move(down)};
}

}  // namespace quire::engine
