#include "engine/model/gguf_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "engine/model/architecture.h"
#include "engine/model/gguf_bert.h"

namespace quire::engine {
namespace {

using Json = nlohmann::json;

// General.architecture, and the class of the same models on the Hugging Face hub.
struct Family {
  std::string_view gguf;
  std::string_view architecture;
};
constexpr std::array kFamilies = {
    Family{"llama", "LlamaForCausalLM"},
    Family{"qwen2", "Qwen2ForCausalLM"},
};

// Tokens that end a turn, by the texts that models use; converters name only one of them.
constexpr std::array<std::string_view, 9> kEndTexts = {
    "<|eot_id|>",    "<|eom_id|>",        "<|im_end|>", "<|end|>",
    "<end_of_turn>", "<|end_of_text|>",   "<EOT>",      "<|endoftext|>",
    "<｜end▁of▁sentence｜>"};

// Copies keys of the metadata to fields.
class Reader {
 public:
  Reader(const GgufFile& file, std::string_view architecture)
      : metadata_(file.metadata()), file_(file), prefix_(fmt::format("{}.", architecture)) {}

  StatusOr<Json> Read(std::string_view architecture) {
    fields_["architectures"] = {architecture};
    QUIRE_RETURN_IF_ERROR(ReadSizes());
    QUIRE_RETURN_IF_ERROR(ReadHeads());
    QUIRE_RETURN_IF_ERROR(ReadRope());
    QUIRE_RETURN_IF_ERROR(ReadTokens());
    const auto contains = [&](std::string_view name) { return file_.Find(name) != nullptr; };
    fields_["tie_word_embeddings"] = !contains("output.weight");
    fields_["attention_bias"] = contains("blk.0.attn_q.bias");
    fields_["mlp_bias"] = contains("blk.0.ffn_up.bias");
    return std::move(fields_);
  }

 private:
  // Ranges are checked where config.json files are read.
  Status CopyInteger(const std::string& key, const char* field) {
    QUIRE_ASSIGN_OR_RETURN(const auto value, metadata_.Integer(key, 0, INT32_MAX));
    if (value) fields_[field] = *value;
    return OkStatus();
  }
  Status RequireInteger(std::string_view name, const char* field) {
    const std::string key = prefix_ + std::string(name);
    QUIRE_RETURN_IF_ERROR(CopyInteger(key, field));
    return fields_.contains(field) ? OkStatus() : metadata_.Wanted(key, "an integer");
  }
  Status CopyNumber(std::string_view name, Json& fields, const char* field) {
    QUIRE_ASSIGN_OR_RETURN(const auto value, metadata_.Number(prefix_ + std::string(name)));
    if (value) fields[field] = *value;
    return OkStatus();
  }

  Status ReadSizes() {
    QUIRE_RETURN_IF_ERROR(RequireInteger("embedding_length", "hidden_size"));
    QUIRE_RETURN_IF_ERROR(RequireInteger("block_count", "num_hidden_layers"));
    QUIRE_RETURN_IF_ERROR(RequireInteger("feed_forward_length", "intermediate_size"));
    QUIRE_RETURN_IF_ERROR(RequireInteger("context_length", "max_position_embeddings"));
    QUIRE_RETURN_IF_ERROR(
        CopyNumber("attention.layer_norm_rms_epsilon", fields_, "rms_norm_eps"));
    const GgufTensor* embedding = file_.Find("token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2) {
      return InvalidArgument("{}: tensor token_embd.weight: wanted a matrix, have none",
                             metadata_.path());
    }
    fields_["vocab_size"] = embedding->shape[0];
    return OkStatus();
  }

  Status ReadHeads() {
    QUIRE_RETURN_IF_ERROR(RequireInteger("attention.head_count", "num_attention_heads"));
    QUIRE_RETURN_IF_ERROR(
        CopyInteger(prefix_ + "attention.head_count_kv", "num_key_value_heads"));
    QUIRE_RETURN_IF_ERROR(CopyInteger(prefix_ + "attention.key_length", "head_dim"));
    QUIRE_RETURN_IF_ERROR(CopyInteger(prefix_ + "attention.sliding_window", "sliding_window"));
    return OkStatus();
  }

  Status ReadRope() {
    QUIRE_RETURN_IF_ERROR(CopyNumber("rope.freq_base", fields_, "rope_theta"));
    QUIRE_ASSIGN_OR_RETURN(const auto type, metadata_.String(prefix_ + "rope.scaling.type"));
    if (!type || *type == "none") return OkStatus();
    Json scaling = {{"rope_type", std::string(*type)}};
    QUIRE_RETURN_IF_ERROR(CopyNumber("rope.scaling.factor", scaling, "factor"));
    QUIRE_ASSIGN_OR_RETURN(
        const auto original,
        metadata_.Integer(prefix_ + "rope.scaling.original_context_length", 1, INT32_MAX));
    if (original) scaling["original_max_position_embeddings"] = *original;
    fields_["rope_scaling"] = std::move(scaling);
    return OkStatus();
  }

  Status ReadTokens() {
    const std::int64_t vocab_size = fields_["vocab_size"];
    QUIRE_RETURN_IF_ERROR(CopyInteger("tokenizer.ggml.bos_token_id", "bos_token_id"));
    std::vector<std::int64_t> ends;
    const auto add = [&](std::int64_t id) {
      if (std::find(ends.begin(), ends.end(), id) == ends.end()) ends.push_back(id);
    };
    for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                            "tokenizer.ggml.eom_token_id"}) {
      QUIRE_ASSIGN_OR_RETURN(const auto id, metadata_.Integer(key, 0, vocab_size - 1));
      if (id) add(*id);
    }
    QUIRE_ASSIGN_OR_RETURN(const auto texts, metadata_.Strings("tokenizer.ggml.tokens"));
    QUIRE_ASSIGN_OR_RETURN(const auto types, metadata_.Integers("tokenizer.ggml.token_type"));
    constexpr std::int64_t kControl = 3;
    for (std::size_t id = 0; id < std::min(texts.size(), types.size()); ++id) {
      if (types[id] != kControl || static_cast<std::int64_t>(id) >= vocab_size) continue;
      if (std::find(kEndTexts.begin(), kEndTexts.end(), texts[id]) != kEndTexts.end()) {
        add(static_cast<std::int64_t>(id));
      }
    }
    fields_["eos_token_id"] = ends;
    return OkStatus();
  }

  const GgufMetadata& metadata_;
  const GgufFile& file_;
  const std::string prefix_;
  Json fields_;
};

// Factors that divide the frequencies of rotary pairs, [head_dim / 2] f32.
Status ReadRopeFactors(const GgufFile& file, ModelConfig& config) {
  const GgufTensor* tensor = file.Find("rope_freqs.weight");
  if (tensor == nullptr) return OkStatus();
  const std::vector<std::int64_t> wanted = {config.head_dim / 2};
  if (tensor->type != GgufTensorType::kF32 || tensor->shape != wanted) {
    return DataLoss("{}: tensor rope_freqs.weight: wanted {} F32, have another shape or type",
                    file.path(), wanted[0]);
  }
  config.rope_factors.resize(static_cast<std::size_t>(wanted[0]));
  std::memcpy(config.rope_factors.data(), file.bytes(*tensor).data(), tensor->size_bytes());
  for (const float factor : config.rope_factors) {
    if (!(std::isfinite(factor) && factor > 0.0f)) {
      return DataLoss("{}: tensor rope_freqs.weight: wanted positive factors, have {}",
                      file.path(), factor);
    }
  }
  return OkStatus();
}

}  // namespace

StatusOr<Json> GgufConfigJson(const GgufFile& file) {
  QUIRE_ASSIGN_OR_RETURN(const auto name, file.metadata().String("general.architecture"));
  for (const Family& family : kFamilies) {
    if (name == family.gguf) return Reader(file, family.gguf).Read(family.architecture);
  }
  if (name == kGgufBert) return GgufBertConfigJson(file);
  return Unimplemented("{}: general.architecture: wanted llama, qwen2 or bert, have \"{}\"",
                       file.path(), name.value_or(""));
}

StatusOr<ModelConfig> LoadGgufModelConfig(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(path, MappedFile::Wanted::kSome));
  QUIRE_ASSIGN_OR_RETURN(const Json fields, GgufConfigJson(*file));
  QUIRE_ASSIGN_OR_RETURN(ModelConfig config, ParseModelConfig(fields, path));
  QUIRE_ASSIGN_OR_RETURN(const auto rotated,
                         file->metadata().Integer(
                             fmt::format("{}.rope.dimension_count", config.model_type), 0, INT32_MAX));
  if (rotated && *rotated != config.head_dim) {
    return Unimplemented("{}: rope.dimension_count: wanted all {} of a head, have {}", path,
                         config.head_dim, *rotated);
  }
  QUIRE_RETURN_IF_ERROR(ReadRopeFactors(*file, config));
  return config;
}

}  // namespace quire::engine
