#pragma once

#include <string_view>

namespace quire::engine {

// Where a decoder's weights stand in a checkpoint, and so which of them there are: names of tensors
// below the model's prefix ("model."), and inside layer i below "<layers>.<i>.". An empty name
// means that there is no such thing. The defaults are Llama's.
struct DecoderLayout {
  std::string_view embedding = "embed_tokens";
  std::string_view positions = "";  // a table of learned positions
  std::string_view layers = "layers";
  std::string_view final_norm = "norm";

  std::string_view attention_norm = "input_layernorm";
  // One name for all three: their rows stand in one tensor, in this order.
  std::string_view q = "self_attn.q_proj";
  std::string_view k = "self_attn.k_proj";
  std::string_view v = "self_attn.v_proj";
  // Norms over each head of q and k before the rotation.
  std::string_view q_norm = "";
  std::string_view k_norm = "";
  std::string_view o = "self_attn.o_proj";
  std::string_view attention_post_norm = "";  // of what attention adds to the residual

  std::string_view mlp_norm = "post_attention_layernorm";
  // One name for both: their rows stand in one tensor, in this order. No gate: a plain MLP.
  std::string_view gate = "mlp.gate_proj";
  std::string_view up = "mlp.up_proj";
  std::string_view down = "mlp.down_proj";
  std::string_view mlp_post_norm = "";

  // Plain weights inside layers are [in, out].
  bool has_transposed_weights = false;

  bool has_fused_qkv() const { return q == v; }
  bool has_gate() const { return !gate.empty(); }
  bool has_fused_gate() const { return gate == up; }
};

}  // namespace quire::engine
