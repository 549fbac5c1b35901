#include "engine/model/gguf_bert.h"

#include <optional>

namespace quire::engine {
namespace {

using Json = nlohmann::json;
using PoolingKind = kernels::PoolArgs::Kind;

// Key of the metadata after "bert.", and field of a config.json. Ranges are checked where those
// files are read.
struct Size {
  const char* key;
  const char* field;
};
constexpr Size kSizes[] = {
    {"embedding_length", "hidden_size"},
    {"block_count", "num_hidden_layers"},
    {"feed_forward_length", "intermediate_size"},
    {"context_length", "max_position_embeddings"},
    {"attention.head_count", "num_attention_heads"},
};

std::string Key(std::string_view name) { return fmt::format("{}.{}", kGgufBert, name); }

Status ReadSizes(const GgufMetadata& metadata, Json& fields) {
  for (const Size& size : kSizes) {
    QUIRE_ASSIGN_OR_RETURN(const auto value, metadata.Integer(Key(size.key), 0, INT32_MAX));
    if (!value) return metadata.Wanted(Key(size.key), "an integer");
    fields[size.field] = *value;
  }
  QUIRE_ASSIGN_OR_RETURN(const auto epsilon, metadata.Number(Key("attention.layer_norm_epsilon")));
  if (epsilon) fields["layer_norm_eps"] = *epsilon;
  return OkStatus();
}

// The number of rows of a table; the metadata repeat some of them, and not in every file.
Status ReadRows(const GgufFile& file, const char* tensor_name, const char* field, Json& fields) {
  const GgufTensor* table = file.Find(tensor_name);
  if (table == nullptr || table->shape.size() != 2) {
    return InvalidArgument("{}: tensor {}: wanted a matrix, have none", file.path(), tensor_name);
  }
  fields[field] = table->shape[0];
  return OkStatus();
}

// A number of "bert.pooling_type". Source: llama.cpp, enum llama_pooling_type.
std::optional<PoolingKind> KindOf(std::int64_t pooling_type) {
  switch (pooling_type) {
    case 1:
      return PoolingKind::kMean;
    case 2:
      return PoolingKind::kFirst;
    case 3:
      return PoolingKind::kLast;
    default:
      return std::nullopt;
  }
}

}  // namespace

StatusOr<Json> GgufBertConfigJson(const GgufFile& file) {
  const GgufMetadata& metadata = file.metadata();
  Json fields = {{"architectures", {"BertModel"}}};
  QUIRE_RETURN_IF_ERROR(ReadSizes(metadata, fields));
  QUIRE_RETURN_IF_ERROR(ReadRows(file, "token_embd.weight", "vocab_size", fields));
  QUIRE_RETURN_IF_ERROR(ReadRows(file, "token_types.weight", "type_vocab_size", fields));
  QUIRE_ASSIGN_OR_RETURN(const auto causal, metadata.Bool(Key("attention.causal")));
  if (causal.value_or(false)) {
    return Unimplemented("{}: {}: wanted false, have true", file.path(), Key("attention.causal"));
  }
  return fields;
}

StatusOr<PoolingConfig> ReadGgufPooling(const GgufFile& file) {
  QUIRE_ASSIGN_OR_RETURN(const auto type,
                         file.metadata().Integer(Key("pooling_type"), 0, INT32_MAX));
  PoolingConfig pooling;
  if (!type) return pooling;
  const std::optional<PoolingKind> kind = KindOf(*type);
  if (!kind) {
    return Unimplemented("{}: {}: wanted 1 (mean), 2 (first token) or 3 (last token), have {}",
                         file.path(), Key("pooling_type"), *type);
  }
  pooling.kind = *kind;
  return pooling;
}

}  // namespace quire::engine
