// BERT encoders and what was trained from them: MiniLM, BGE, E5, GTE.

#include <string>

#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"

namespace quire::engine {
namespace {

constexpr std::int64_t kMaxTypes = 1024;

}  // namespace

void ReadBertConfig(JsonFields& fields, ModelConfig& config) {
  config.max_position_embeddings = 512;
  config.type_vocab_size = 2;
  config.norm_epsilon = 1e-12f;
  ReadCommonFields(fields, config);
  if (fields.Find("hidden_act") == nullptr) config.activation = kernels::ActivationKind::kGelu;
  fields.Read("type_vocab_size", config.type_vocab_size, 0, kMaxTypes);
  fields.Read("layer_norm_eps", config.norm_epsilon, 0.0, 1.0);
  std::string positions = "absolute";
  fields.Read("position_embedding_type", positions);
  if (positions != "absolute") {
    fields.Fail(Unimplemented("{}: position_embedding_type: wanted absolute, have \"{}\"",
                              fields.where(), positions));
  }
  if (!fields.status().ok()) return;
  config.num_kv_heads = config.num_heads;
  config.head_dim = config.hidden_size / config.num_heads;
  if (config.head_dim * config.num_heads != config.hidden_size || config.head_dim > kMaxHeadDim) {
    fields.Fail("hidden_size", fmt::format("a multiple of num_attention_heads {}, at most {} each",
                                           config.num_heads, kMaxHeadDim));
  }
}

}  // namespace quire::engine
