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
    Family{"llama", "LlamaForCausalLM"},   Family{"qwen2", "Qwen2ForCausalLM"},
    Family{"qwen3", "Qwen3ForCausalLM"},   Family{"phi3", "Phi3ForCausalLM"},
    Family{"gemma2", "Gemma2ForCausalLM"}, Family{"gemma3", "Gemma3ForCausalLM"},
    Family{"gpt2", "GPT2LMHeadModel"},
};

// What GPT-2's config.json calls the fields that other families share.
struct FieldAlias {
  const char* shared;
  const char* gpt2;
};
constexpr std::array kGpt2Fields = {
    FieldAlias{"hidden_size", "n_embd"},
    FieldAlias{"num_hidden_layers", "n_layer"},
    FieldAlias{"intermediate_size", "n_inner"},
    FieldAlias{"num_attention_heads", "n_head"},
    FieldAlias{"max_position_embeddings", "n_positions"},
};

// Layers of the largest Gemma 2 and Gemma 3, which scale scores by the hidden size that a head has
// a share of. Source: llama.cpp, src/llama-model.cpp, f_attention_scale.
constexpr std::int64_t kGemma2LargestLayers = 46;
constexpr std::int64_t kGemma3LargestLayers = 62;

// Tokens that end a turn, by the texts that models use; converters name only one of them.
constexpr std::array<std::string_view, 9> kEndTexts = {
    "<|eot_id|>", "<|eom_id|>",    "<|im_end|>",
    "<|end|>",    "<end_of_turn>", "<|end_of_text|>",
    "<EOT>",      "<|endoftext|>", "<｜end▁of▁sentence｜>"};

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
    QUIRE_RETURN_IF_ERROR(ReadGemmaKeys());
    for (const FieldAlias& alias : kGpt2Fields) fields_[alias.gpt2] = fields_[alias.shared];
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
    QUIRE_RETURN_IF_ERROR(CopyNumber("attention.layer_norm_rms_epsilon", fields_, "rms_norm_eps"));
    QUIRE_RETURN_IF_ERROR(
        CopyNumber("attention.layer_norm_epsilon", fields_, "layer_norm_epsilon"));
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
    QUIRE_RETURN_IF_ERROR(CopyInteger(prefix_ + "attention.head_count_kv", "num_key_value_heads"));
    QUIRE_RETURN_IF_ERROR(CopyInteger(prefix_ + "attention.key_length", "head_dim"));
    QUIRE_RETURN_IF_ERROR(CopyInteger(prefix_ + "attention.sliding_window", "sliding_window"));
    QUIRE_RETURN_IF_ERROR(
        CopyInteger(prefix_ + "attention.sliding_window_pattern", "sliding_window_pattern"));
    return OkStatus();
  }

  Status ReadRope() {
    QUIRE_RETURN_IF_ERROR(CopyNumber("rope.freq_base", fields_, "rope_theta"));
    QUIRE_RETURN_IF_ERROR(CopyNumber("rope.freq_base_swa", fields_, "rope_local_base_freq"));
    QUIRE_ASSIGN_OR_RETURN(const auto type, metadata_.String(prefix_ + "rope.scaling.type"));
    // The factors of longrope are tensors: see ReadLongRope.
    if (!type || *type == "none" || *type == "longrope") return OkStatus();
    Json scaling = {{"rope_type", std::string(*type)}};
    QUIRE_RETURN_IF_ERROR(CopyNumber("rope.scaling.factor", scaling, "factor"));
    QUIRE_RETURN_IF_ERROR(CopyNumber("rope.scaling.yarn_beta_fast", scaling, "beta_fast"));
    QUIRE_RETURN_IF_ERROR(CopyNumber("rope.scaling.yarn_beta_slow", scaling, "beta_slow"));
    QUIRE_ASSIGN_OR_RETURN(
        const auto original,
        metadata_.Integer(prefix_ + "rope.scaling.original_context_length", 1, INT32_MAX));
    if (original) scaling["original_max_position_embeddings"] = *original;
    if (*type == "yarn" && scaling.contains("factor")) {
      // What llama.cpp multiplies with is on top of what the factor gives.
      QUIRE_ASSIGN_OR_RETURN(const auto extra,
                             metadata_.Number(prefix_ + "rope.scaling.attn_factor"));
      const double factor = scaling["factor"];
      if (extra) scaling["attention_factor"] = *extra * (0.1 * std::log(factor) + 1.0);
    }
    fields_["rope_scaling"] = std::move(scaling);
    return OkStatus();
  }

  Status ReadGemmaKeys() {
    QUIRE_RETURN_IF_ERROR(CopyNumber("attn_logit_softcapping", fields_, "attn_logit_softcapping"));
    QUIRE_RETURN_IF_ERROR(
        CopyNumber("final_logit_softcapping", fields_, "final_logit_softcapping"));
    if (prefix_ != "gemma2." && prefix_ != "gemma3.") return OkStatus();
    const bool is_largest = fields_["num_hidden_layers"] ==
                            (prefix_ == "gemma2." ? kGemma2LargestLayers : kGemma3LargestLayers);
    const std::int64_t num_heads = fields_["num_attention_heads"];
    if (is_largest && num_heads > 0) {
      fields_["query_pre_attn_scalar"] = fields_["hidden_size"].get<std::int64_t>() / num_heads;
    } else if (fields_.contains("head_dim")) {
      fields_["query_pre_attn_scalar"] = fields_["head_dim"];
    }
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

// Factors that divide the frequencies of rotary pairs, [rotary_dim / 2] f32; none if there is no
// such tensor.
StatusOr<std::vector<float>> ReadFactors(const GgufFile& file, std::string_view name,
                                         std::int32_t rotary_dim) {
  std::vector<float> factors;
  const GgufTensor* tensor = file.Find(name);
  if (tensor == nullptr) return factors;
  const std::vector<std::int64_t> wanted = {rotary_dim / 2};
  if (tensor->type != GgufTensorType::kF32 || tensor->shape != wanted) {
    return DataLoss("{}: tensor {}: wanted {} F32, have another shape or type", file.path(), name,
                    wanted[0]);
  }
  factors.resize(static_cast<std::size_t>(wanted[0]));
  std::memcpy(factors.data(), file.bytes(*tensor).data(), tensor->size_bytes());
  for (const float factor : factors) {
    if (!(std::isfinite(factor) && factor > 0.0f)) {
      return DataLoss("{}: tensor {}: wanted positive factors, have {}", file.path(), name, factor);
    }
  }
  return factors;
}

// Longrope, as converters write it: two tensors, and keys for the rest.
Status ReadLongRope(const GgufFile& file, const std::string& prefix, ModelConfig& config) {
  RopeScaling scaling = {.kind = RopeScaling::Kind::kLongRope};
  QUIRE_ASSIGN_OR_RETURN(scaling.short_factors,
                         ReadFactors(file, "rope_factors_short.weight", config.rotary_dim));
  QUIRE_ASSIGN_OR_RETURN(scaling.long_factors,
                         ReadFactors(file, "rope_factors_long.weight", config.rotary_dim));
  if (scaling.short_factors.empty() && scaling.long_factors.empty()) return OkStatus();
  if (scaling.short_factors.size() != scaling.long_factors.size()) {
    return DataLoss("{}: tensor rope_factors_long.weight: wanted a pair with rope_factors_short",
                    file.path());
  }
  const GgufMetadata& metadata = file.metadata();
  QUIRE_ASSIGN_OR_RETURN(
      const auto original,
      metadata.Integer(prefix + "rope.scaling.original_context_length", 1, INT32_MAX));
  scaling.original_context_tokens =
      static_cast<std::int32_t>(original.value_or(config.max_position_embeddings));
  const std::string factor_key = prefix + "rope.scaling.attn_factor";
  QUIRE_ASSIGN_OR_RETURN(const auto attention_factor, metadata.Number(factor_key));
  scaling.attention_factor = attention_factor.value_or(1.0);
  if (!(scaling.attention_factor > 0.0 && std::isfinite(scaling.attention_factor))) {
    return metadata.Wanted(factor_key, "a positive number");
  }
  config.rope_scaling = std::move(scaling);
  return OkStatus();
}

// Which elements of a head turn, and how fast.
Status ReadRotaryPairs(const GgufFile& file, const std::string& prefix, bool is_interleaved,
                       ModelConfig& config) {
  if (config.rotary_dim == 0) return OkStatus();
  const std::string key = prefix + "rope.dimension_count";
  QUIRE_ASSIGN_OR_RETURN(const auto rotated, file.metadata().Integer(key, 2, config.head_dim));
  if (rotated && *rotated != config.head_dim && is_interleaved) {
    return Unimplemented("{}: rope.dimension_count: wanted all {} of a head, have {}", file.path(),
                         config.head_dim, *rotated);
  }
  if (rotated && *rotated % 2 != 0) return file.metadata().Wanted(key, "an even number");
  if (rotated) config.rotary_dim = static_cast<std::int32_t>(*rotated);
  QUIRE_ASSIGN_OR_RETURN(config.rope_factors,
                         ReadFactors(file, "rope_freqs.weight", config.rotary_dim));
  return ReadLongRope(file, prefix, config);
}

// "llama, qwen2, ..." for messages.
std::string FamilyNames() {
  std::string names;
  for (const Family& family : kFamilies) names += fmt::format("{}, ", family.gguf);
  return names + std::string(kGgufBert);
}

}  // namespace

StatusOr<Json> GgufConfigJson(const GgufFile& file) {
  QUIRE_ASSIGN_OR_RETURN(const auto name, file.metadata().String("general.architecture"));
  for (const Family& family : kFamilies) {
    if (name == family.gguf) return Reader(file, family.gguf).Read(family.architecture);
  }
  if (name == kGgufBert) return GgufBertConfigJson(file);
  return Unimplemented("{}: general.architecture: wanted one of {}, have \"{}\"", file.path(),
                       FamilyNames(), name.value_or(""));
}

StatusOr<ModelConfig> LoadGgufModelConfig(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(path, MappedFile::Wanted::kSome));
  QUIRE_ASSIGN_OR_RETURN(const Json fields, GgufConfigJson(*file));
  QUIRE_ASSIGN_OR_RETURN(ModelConfig config, ParseModelConfig(fields, path));
  // Converters write norms as they count, and matrices in one order.
  config.norm_weight_offset = 0.0f;
  config.layout.has_transposed_weights = false;
  QUIRE_ASSIGN_OR_RETURN(const auto architecture, file->metadata().String("general.architecture"));
  QUIRE_RETURN_IF_ERROR(ReadRotaryPairs(*file, fmt::format("{}.", *architecture),
                                        /*is_interleaved=*/*architecture == "llama", config));
  QUIRE_RETURN_IF_ERROR(file->CheckUnchanged());
  return config;
}

}  // namespace quire::engine
