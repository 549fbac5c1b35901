#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/safetensors_writer.h"

// Small random models as Hugging Face directories, so that engine tests need no data from outside.

namespace quire::testing {

// Random weights in the order of their names, seeded.
class TinyWeights {
 public:
  explicit TinyWeights(std::uint32_t seed) : random_(seed) {}

  void Matrix(const std::string& name, std::int64_t rows, std::int64_t cols) {
    std::normal_distribution<float> normal(0.0f, 0.3f);
    std::vector<float> values(static_cast<std::size_t>(rows * cols));
    for (float& value : values) value = normal(random_);
    Add(name, {rows, cols}, values);
  }
  void Vector(const std::string& name, std::int64_t size, float value) {
    Add(name, {size}, std::vector<float>(static_cast<std::size_t>(size), value));
  }
  // The weight and bias of a biased layer.
  void BiasedMatrix(const std::string& name, std::int64_t rows, std::int64_t cols) {
    Matrix(name + ".weight", rows, cols);
    Vector(name + ".bias", rows, 0.01f);
  }
  void LayerNorm(const std::string& name, std::int64_t size) {
    Vector(name + ".weight", size, 1.0f);
    Vector(name + ".bias", size, 0.0f);
  }
  const std::vector<TensorToWrite>& tensors() const { return tensors_; }

 private:
  void Add(const std::string& name, std::vector<std::int64_t> shape,
           const std::vector<float>& values) {
    tensors_.push_back({.name = name,
                        .dtype = "F32",
                        .shape = std::move(shape),
                        .bytes = TensorBytes(values, kernels::DType::kF32)});
  }

  std::mt19937 random_;
  std::vector<TensorToWrite> tensors_;
};

inline constexpr std::int32_t kTinyVocabSize = 259;

// A tokenizer without merges: one token per byte after <unk>, <s> and </s>. `template_type` is the
// special-token frame: BOS in front, or [CLS] ... [SEP] played by <s> ... </s>.
inline nlohmann::json TinyTokenizer(bool is_encoder) {
  nlohmann::json vocab = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  for (int byte = 0; byte < 256; ++byte) vocab[fmt::format("<0x{:02X}>", byte)] = byte + 3;
  nlohmann::json added = nlohmann::json::array();
  for (const char* name : {"<unk>", "<s>", "</s>"}) {
    added.push_back({{"id", vocab[name]},
                     {"content", name},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const auto special = [](const char* name) {
    return nlohmann::json{{"SpecialToken", {{"id", name}, {"type_id", 0}}}};
  };
  const auto entry = [](const char* name, int id) {
    return nlohmann::json{{"id", name}, {"ids", {id}}, {"tokens", {name}}};
  };
  const auto text = [](const char* name) {
    return nlohmann::json{{"Sequence", {{"id", name}, {"type_id", 0}}}};
  };
  nlohmann::json single = {special("<s>"), text("A")};
  if (is_encoder) single.push_back(special("</s>"));
  const nlohmann::json pair = {special("<s>"), text("A"), special("</s>"), text("B"),
                               special("</s>")};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", nullptr},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", single},
            {"pair", pair},
            {"special_tokens", {{"<s>", entry("<s>", 1)}, {"</s>", entry("</s>", 2)}}}}},
          {"decoder",
           {{"type", "Sequence"}, {"decoders", {{{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", "<unk>"},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"vocab", vocab},
            {"merges", nlohmann::json::array()}}}};
}

// The three files of a model with TinyTokenizer.
inline void WriteTinyModel(const std::filesystem::path& directory, const nlohmann::json& config,
                           bool is_encoder, const TinyWeights& weights) {
  WriteFile(directory / "config.json", config.dump());
  WriteFile(directory / "tokenizer.json", TinyTokenizer(is_encoder).dump());
  WriteFile(directory / "model.safetensors", SafetensorsBytes(weights.tensors()));
}

// Sizes of a tiny Llama of two heads.
struct TinyLlamaShape {
  std::int64_t hidden = 16;
  std::int64_t intermediate = 24;
  std::int64_t num_kv_heads = 1;
};

// A two-layer Llama with a context of 256 tokens and a vocabulary of single bytes.
inline void WriteTinyLlama(const std::filesystem::path& directory, std::uint32_t seed = 1,
                           const TinyLlamaShape& shape = {}) {
  const std::int64_t hidden = shape.hidden;
  const std::int64_t intermediate = shape.intermediate;
  const std::int64_t kv_size = shape.hidden / 2 * shape.num_kv_heads;
  TinyWeights weights(seed);
  weights.Matrix("model.embed_tokens.weight", kTinyVocabSize, hidden);
  for (int i = 0; i < 2; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    weights.Vector(layer + "input_layernorm.weight", hidden, 1.0f);
    weights.Matrix(layer + "self_attn.q_proj.weight", hidden, hidden);
    weights.Matrix(layer + "self_attn.k_proj.weight", kv_size, hidden);
    weights.Matrix(layer + "self_attn.v_proj.weight", kv_size, hidden);
    weights.Matrix(layer + "self_attn.o_proj.weight", hidden, hidden);
    weights.Vector(layer + "post_attention_layernorm.weight", hidden, 1.0f);
    weights.Matrix(layer + "mlp.gate_proj.weight", intermediate, hidden);
    weights.Matrix(layer + "mlp.up_proj.weight", intermediate, hidden);
    weights.Matrix(layer + "mlp.down_proj.weight", hidden, intermediate);
  }
  weights.Vector("model.norm.weight", hidden, 1.0f);
  const nlohmann::json config = {{"architectures", {"LlamaForCausalLM"}},
                                 {"model_type", "llama"},
                                 {"hidden_size", hidden},
                                 {"intermediate_size", intermediate},
                                 {"num_hidden_layers", 2},
                                 {"num_attention_heads", 2},
                                 {"num_key_value_heads", shape.num_kv_heads},
                                 {"vocab_size", kTinyVocabSize},
                                 {"max_position_embeddings", 256},
                                 {"tie_word_embeddings", true},
                                 {"bos_token_id", 1},
                                 {"eos_token_id", 2}};
  WriteTinyModel(directory, config, /*is_encoder=*/false, weights);
}

// A static embedding model in the layout of sentence-transformers: the files lie in the directory
// itself.
inline void WriteTinyStaticModel(const std::filesystem::path& directory) {
  TinyWeights weights(/*seed=*/1);
  weights.Matrix("embedding.weight", kTinyVocabSize, 16);
  WriteFile(directory / "modules.json",
            R"([{"type": "sentence_transformers.models.StaticEmbedding", "path": ""},
                {"type": "sentence_transformers.models.Normalize", "path": "1_Normalize"}])");
  WriteFile(directory / "tokenizer.json", TinyTokenizer(/*is_encoder=*/true).dump());
  WriteFile(directory / "model.safetensors", SafetensorsBytes(weights.tensors()));
}

// A two-layer BERT with room for 32 tokens: an encoder, or a cross-encoder that scores pairs with
// one label.
inline void WriteTinyBert(const std::filesystem::path& directory, std::uint32_t seed = 1,
                          bool is_cross_encoder = false) {
  constexpr std::int64_t kHidden = 16;
  constexpr std::int64_t kIntermediate = 24;
  TinyWeights weights(seed);
  weights.Matrix("embeddings.word_embeddings.weight", kTinyVocabSize, kHidden);
  weights.Matrix("embeddings.position_embeddings.weight", 32, kHidden);
  weights.Matrix("embeddings.token_type_embeddings.weight", 2, kHidden);
  weights.LayerNorm("embeddings.LayerNorm", kHidden);
  for (int i = 0; i < 2; ++i) {
    const std::string layer = fmt::format("encoder.layer.{}.", i);
    for (const char* name : {"self.query", "self.key", "self.value", "output.dense"}) {
      weights.BiasedMatrix(layer + "attention." + name, kHidden, kHidden);
    }
    weights.LayerNorm(layer + "attention.output.LayerNorm", kHidden);
    weights.BiasedMatrix(layer + "intermediate.dense", kIntermediate, kHidden);
    weights.BiasedMatrix(layer + "output.dense", kHidden, kIntermediate);
    weights.LayerNorm(layer + "output.LayerNorm", kHidden);
  }
  if (is_cross_encoder) {
    weights.BiasedMatrix("pooler.dense", kHidden, kHidden);
    weights.BiasedMatrix("classifier", 1, kHidden);
  }
  const char* const architecture = is_cross_encoder ? "BertForSequenceClassification" : "BertModel";
  const nlohmann::json config = {{"architectures", {architecture}},
                                 {"model_type", "bert"},
                                 {"hidden_size", kHidden},
                                 {"intermediate_size", kIntermediate},
                                 {"num_hidden_layers", 2},
                                 {"num_attention_heads", 2},
                                 {"vocab_size", kTinyVocabSize},
                                 {"max_position_embeddings", 32},
                                 {"type_vocab_size", 2},
                                 {"hidden_act", "gelu"},
                                 {"id2label", {{"0", "LABEL_0"}}}};
  WriteTinyModel(directory, config, /*is_encoder=*/true, weights);
}

}  // namespace quire::testing
