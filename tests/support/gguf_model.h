#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/formats/gguf_file.h"
#include "engine/formats/gguf_weights.h"
#include "engine/formats/safetensors.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/safetensors_writer.h"

// Models as GGUF files, made the way converters make them.

namespace quire::testing {

inline engine::GgufTensorType GgufType(kernels::DType dtype) {
  switch (dtype) {
    case kernels::DType::kF16:
      return engine::GgufTensorType::kF16;
    case kernels::DType::kBF16:
      return engine::GgufTensorType::kBF16;
    default:
      return engine::GgufTensorType::kF32;
  }
}

// The rows of a head, whose halves form rotary pairs, in the order in which neighbours do.
inline std::string InterleaveHeads(const std::string& bytes, std::size_t num_rows,
                                   std::size_t num_heads) {
  const std::size_t row_bytes = bytes.size() / num_rows;
  const std::size_t half = num_rows / num_heads / 2;
  std::string out;
  for (std::size_t head = 0; head < num_heads; ++head) {
    for (std::size_t i = 0; i < half; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        out += bytes.substr((head * 2 * half + j * half + i) * row_bytes, row_bytes);
      }
    }
  }
  return out;
}

// Copies all keys of `metadata`.
inline void CopyMetadata(const engine::GgufMetadata& metadata, GgufWriter& writer) {
  using Type = engine::GgufValueType;
  for (const auto& [key, value] : metadata.values()) {
    const std::string bytes(value.bytes.begin(), value.bytes.end());
    if (value.type == Type::kString) {
      writer.String(key, value.text);
    } else if (value.type != Type::kArray) {
      writer.Raw(key, value.type, bytes);
    } else if (value.element_type == Type::kString) {
      writer.Strings(key, {value.strings.begin(), value.strings.end()});
    } else {
      writer.Array(key, value.element_type, value.count, bytes);
    }
  }
}

// The model of a Hugging Face directory (llama or qwen2, one f32 weight file) without its
// tokenizer.
inline GgufWriter GgufModel(const std::filesystem::path& directory, kernels::DType dtype) {
  const auto config = nlohmann::json::parse(ReadWholeFile(directory / "config.json"));
  const std::string family = config["model_type"];
  GgufWriter writer;
  writer.String("general.architecture", family);
  const auto copy = [&](const char* field, const std::string& key) {
    if (config.contains(field)) writer.U32(family + "." + key, config[field]);
  };
  copy("hidden_size", "embedding_length");
  copy("num_hidden_layers", "block_count");
  copy("intermediate_size", "feed_forward_length");
  copy("max_position_embeddings", "context_length");
  copy("num_attention_heads", "attention.head_count");
  copy("num_key_value_heads", "attention.head_count_kv");
  copy("head_dim", "attention.key_length");
  writer.F32(family + ".attention.layer_norm_rms_epsilon", config["rms_norm_eps"]);
  if (config.contains("rope_theta")) writer.F32(family + ".rope.freq_base", config["rope_theta"]);
  const std::size_t heads = config["num_attention_heads"];
  const std::size_t kv_heads = config.value("num_key_value_heads", heads);
  const auto file = engine::SafetensorsFile::Open((directory / "model.safetensors").string());
  for (TensorToWrite& tensor : ConvertTensors(**file, dtype)) {
    const std::string name = *engine::GgufTensorName(tensor.name, family);
    const auto rows = static_cast<std::size_t>(tensor.shape.front());
    if (family == "llama" && name.find("attn_q.") != name.npos) {
      tensor.bytes = InterleaveHeads(tensor.bytes, rows, heads);
    } else if (family == "llama" && name.find("attn_k.") != name.npos) {
      tensor.bytes = InterleaveHeads(tensor.bytes, rows, kv_heads);
    }
    writer.Tensor(name, GgufType(dtype), {tensor.shape.begin(), tensor.shape.end()}, tensor.bytes);
  }
  return writer;
}

}  // namespace quire::testing
