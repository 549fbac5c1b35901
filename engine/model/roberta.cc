// RoBERTa and XLM-R encoders and what was trained from them: E5 and BGE-M3, paraphrase models.

#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"

namespace quire::engine {

// BERT but for its positions: the table's rows up to the padding token's id are of no text.
// Source: transformers, modeling_roberta.py, create_position_ids_from_input_ids.
void ReadRobertaConfig(JsonFields& fields, ModelConfig& config) {
  ReadBertConfig(fields, config);
  if (!fields.status().ok()) return;
  std::int32_t padding_id = 1;
  fields.Read("pad_token_id", padding_id, 0, std::int64_t{config.vocab_size} - 1);
  config.position_padding_id = padding_id;
  config.max_position_embeddings -= config.first_position();
  if (fields.status().ok() && config.max_position_embeddings < 1) {
    fields.Fail("max_position_embeddings",
                fmt::format("more than pad_token_id {} and one", padding_id));
  }
}

}  // namespace quire::engine
