#include "engine/quantization/linear_groups.h"

#include <algorithm>
#include <array>

namespace quire::engine {
namespace {

// Pre-norm layers of q, k, v and o around attention, then gate, up and down.
constexpr std::array<std::string_view, 4> kLlamaLike = {"llama", "mistral", "qwen2", "qwen3"};

}  // namespace

StatusOr<std::vector<LinearGroup>> LinearGroups(const ModelConfig& config,
                                                const std::string& prefix, std::int32_t layer) {
  if (std::find(kLlamaLike.begin(), kLlamaLike.end(), config.model_type) == kLlamaLike.end()) {
    return Unimplemented("quantizing: wanted a model of type {}, have {}",
                         fmt::join(kLlamaLike, ", "), config.model_type);
  }
  const std::string name = fmt::format("{}layers.{}.", prefix, layer);
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t inner = config.intermediate_size;
  const std::int64_t q_size = std::int64_t{config.num_heads} * config.head_dim;
  const std::int64_t kv_size = std::int64_t{config.num_kv_heads} * config.head_dim;
  const auto linear = [&](const char* part, std::int64_t out, std::int64_t in) {
    return LinearShape{.name = name + part, .out = out, .in = in};
  };
  return std::vector<LinearGroup>{
      {.linears = {linear("self_attn.q_proj", q_size, hidden),
                   linear("self_attn.k_proj", kv_size, hidden),
                   linear("self_attn.v_proj", kv_size, hidden)},
       .source = name + "input_layernorm",
       .source_is_norm = true},
      {.linears = {linear("self_attn.o_proj", hidden, q_size)},
       .source = name + "self_attn.v_proj"},
      {.linears = {linear("mlp.gate_proj", inner, hidden), linear("mlp.up_proj", inner, hidden)},
       .source = name + "post_attention_layernorm",
       .source_is_norm = true},
      {.linears = {linear("mlp.down_proj", hidden, inner)}, .source = name + "mlp.up_proj"}};
}

}  // namespace quire::engine
