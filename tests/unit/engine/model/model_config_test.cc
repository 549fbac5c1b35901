#include "engine/model/model_config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "engine/model/architecture.h"
#include "engine/model/generation_config.h"
#include "engine/model/shapes.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using Json = nlohmann::json;
using testing::FailsWith;
using testing::IsOk;

Json Llama() {
  return Json::parse(R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
    "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 8,
    "num_key_value_heads": 4, "vocab_size": 100, "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2})");
}

Json Family(const char* architecture, const char* model_type, const Json& changes = {}) {
  Json config = Llama();
  config["architectures"] = {architecture};
  config["model_type"] = model_type;
  if (!changes.is_null()) config.update(changes);
  return config;
}

ModelConfig Parsed(const Json& config) {
  const auto parsed = ParseModelConfig(config, "config.json");
  EXPECT_THAT(parsed, IsOk());
  return parsed.ok() ? *parsed : ModelConfig{};
}

TEST(ModelConfigTest, LlamaFieldsAreRead) {
  const ModelConfig config = Parsed(Llama());
  EXPECT_EQ(config.architecture, "LlamaForCausalLM");
  EXPECT_EQ(config.num_layers, 2);
  EXPECT_EQ(config.num_kv_heads, 4);
  EXPECT_EQ(config.head_dim, 8);
  EXPECT_EQ(config.norm_epsilon, 1e-5f);
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_EQ(config.eos_token_ids, std::vector<std::int32_t>{2});
  EXPECT_EQ(config.rope_scaling.kind, RopeScaling::Kind::kNone);
  EXPECT_FALSE(config.attention_bias);
  EXPECT_FALSE(config.is_encoder());
}

TEST(ModelConfigTest, AbsentFieldsTakeTheDefaultsOfTransformers) {
  Json config = Llama();
  for (const char* field : {"num_key_value_heads", "rms_norm_eps", "max_position_embeddings",
                            "bos_token_id", "eos_token_id"}) {
    config.erase(field);
  }
  const ModelConfig parsed = Parsed(config);
  EXPECT_EQ(parsed.num_kv_heads, 8);
  EXPECT_EQ(parsed.norm_epsilon, 1e-6f);
  EXPECT_EQ(parsed.max_position_embeddings, 2048);
  EXPECT_EQ(parsed.bos_token_id, std::nullopt);
  EXPECT_TRUE(parsed.eos_token_ids.empty());
}

TEST(ModelConfigTest, ExplicitHeadDimNeedNotDivideTheHiddenSize) {
  Json config = Llama();
  config["head_dim"] = 20;
  EXPECT_EQ(Parsed(config).head_dim, 20);
}

TEST(ModelConfigTest, RopeScalingIsReadFromEveryKey) {
  const Json llama3 = Json::parse(R"({"factor": 32.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 4096})");
  for (const char* key : {"type", "rope_type"}) {
    Json config = Llama();
    config["rope_scaling"] = llama3;
    config["rope_scaling"][key] = "llama3";
    const RopeScaling scaling = Parsed(config).rope_scaling;
    EXPECT_EQ(scaling.kind, RopeScaling::Kind::kLlama3);
    EXPECT_EQ(scaling.factor, 32.0);
    EXPECT_EQ(scaling.original_context_tokens, 4096);
  }
  Json config = Llama();
  config["rope_parameters"] = {{"rope_type", "linear"}, {"rope_theta", 5e5}, {"factor", 2}};
  EXPECT_EQ(Parsed(config).rope_scaling.kind, RopeScaling::Kind::kLinear);
  EXPECT_EQ(Parsed(config).rope_theta, 5e5);
  config["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 7e5}};
  EXPECT_EQ(Parsed(config).rope_scaling.kind, RopeScaling::Kind::kNone);
  EXPECT_EQ(Parsed(config).rope_theta, 7e5);
}

TEST(ModelConfigTest, UnknownRopeScalingIsRefused) {
  Json config = Llama();
  config["rope_scaling"] = {{"rope_type", "ntk"}, {"factor", 2}};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kUnimplemented, "rope_scaling: rope_type: wanted default"));
  EXPECT_THAT(ParseModelConfig(config, "c"), FailsWith(StatusCode::kUnimplemented, "\"ntk\""));
  config["rope_scaling"] = {{"rope_type", "linear"}};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "rope_scaling: factor"));
  config["rope_scaling"] = {
      {"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 4}};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "high_freq_factor"));
}

TEST(ModelConfigTest, MistralHasASlidingWindow) {
  EXPECT_EQ(Parsed(Family("MistralForCausalLM", "mistral")).sliding_window, 4096);
  EXPECT_EQ(
      Parsed(Family("MistralForCausalLM", "mistral", {{"sliding_window", 77}})).sliding_window, 77);
  EXPECT_EQ(
      Parsed(Family("MistralForCausalLM", "mistral", {{"sliding_window", nullptr}})).sliding_window,
      0);
}

TEST(ModelConfigTest, Qwen2HasBiasesAndAWindowOnDemand) {
  const ModelConfig plain = Parsed(Family("Qwen2ForCausalLM", "qwen2", {{"sliding_window", 64}}));
  EXPECT_TRUE(plain.attention_bias);
  EXPECT_FALSE(plain.attention_output_bias);
  EXPECT_EQ(plain.SlidingWindow(1), 0);
  const ModelConfig windowed = Parsed(
      Family("Qwen2ForCausalLM", "qwen2",
             {{"sliding_window", 64}, {"use_sliding_window", true}, {"max_window_layers", 1}}));
  EXPECT_EQ(windowed.SlidingWindow(0), 0);
  EXPECT_EQ(windowed.SlidingWindow(1), 64);
}

TEST(ModelConfigTest, LayerTypesSayWhichLayersHaveTheWindow) {
  Json config = Family("Qwen2ForCausalLM", "qwen2",
                       {{"use_sliding_window", true},
                        {"sliding_window", 64},
                        {"layer_types", {"sliding_attention", "full_attention"}}});
  EXPECT_EQ(Parsed(config).SlidingWindow(0), 64);
  EXPECT_EQ(Parsed(config).SlidingWindow(1), 0);
  EXPECT_EQ(Parsed(config).LargestWindow(), 0);
  config["layer_types"] = {"full_attention"};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "layer_types: wanted the types of 2 layers"));
  config["layer_types"] = {"full_attention", 1};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "layer_types: wanted a list of strings"));
  config["layer_types"] = {"full_attention", "linear_attention"};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kUnimplemented, "have \"linear_attention\""));
}

TEST(ModelConfigTest, Qwen3HasNormsOfHeadsAndNoBiases) {
  Json config = Family("Qwen3ForCausalLM", "qwen3", {{"head_dim", nullptr}});
  EXPECT_EQ(Parsed(config).head_dim, 128);
  EXPECT_EQ(Parsed(config).layout.q_norm, "self_attn.q_norm");
  EXPECT_FALSE(Parsed(config).attention_bias);
  config["attention_bias"] = true;
  EXPECT_TRUE(Parsed(config).attention_output_bias);
}

TEST(ModelConfigTest, Phi3HasFusedLayersAndAShareOfEachHeadTurns) {
  Json config = Family("Phi3ForCausalLM", "phi3", {{"partial_rotary_factor", 0.75}});
  EXPECT_EQ(Parsed(config).rotary_dim, 6);
  EXPECT_TRUE(Parsed(config).layout.has_fused_qkv());
  EXPECT_TRUE(Parsed(config).layout.has_fused_gate());
  EXPECT_EQ(Parsed(config).sliding_window, 0);
  config["sliding_window"] = 2047;
  EXPECT_EQ(Parsed(config).sliding_window, 2047);
  config["partial_rotary_factor"] = 0.4;  // 3 of 8
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "partial_rotary_factor"));
}

TEST(ModelConfigTest, LongRopeOfPhi3IsReadUnderAllItsNames) {
  Json config = Family("Phi3ForCausalLM", "phi3", {{"original_max_position_embeddings", 128}});
  for (const char* name : {"longrope", "su", "yarn"}) {
    config["rope_scaling"] = {
        {"type", name}, {"short_factor", {1, 1, 1, 1}}, {"long_factor", {1, 2, 3, 4.5}}};
    const RopeScaling scaling = Parsed(config).rope_scaling;
    EXPECT_EQ(scaling.kind, RopeScaling::Kind::kLongRope) << name;
    EXPECT_EQ(scaling.factor, 4.0);
    EXPECT_EQ(scaling.original_context_tokens, 128);
    EXPECT_NEAR(scaling.attention_factor, std::sqrt(1 + std::log(4.0) / std::log(128.0)), 1e-12);
    EXPECT_EQ(scaling.long_factors, (std::vector<float>{1, 2, 3, 4.5f}));
  }
  config["rope_scaling"]["long_factor"] = {1, 2, 3};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "long_factor: wanted a list of 4 numbers"));
  config["rope_scaling"]["long_factor"] = {1, 2, 3, 0};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "long_factor: wanted a list of numbers in"));
  config["rope_scaling"]["long_factor"] = {1, 2, 3, "4"};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "long_factor"));
}

TEST(ModelConfigTest, YarnHasTheDefaultsOfItsPaper) {
  Json config = Llama();
  config["rope_scaling"] = {{"rope_type", "yarn"}, {"factor", 4}};
  const RopeScaling scaling = Parsed(config).rope_scaling;
  EXPECT_EQ(scaling.kind, RopeScaling::Kind::kYarn);
  EXPECT_EQ(scaling.original_context_tokens, 512);
  EXPECT_EQ(scaling.beta_fast, 32);
  EXPECT_EQ(scaling.beta_slow, 1);
  EXPECT_TRUE(scaling.truncate);
  EXPECT_NEAR(scaling.attention_factor, 0.1 * std::log(4.0) + 1, 1e-12);
  config["rope_scaling"]["attention_factor"] = 1.5;
  EXPECT_EQ(Parsed(config).rope_scaling.attention_factor, 1.5);
  config["rope_scaling"]["beta_fast"] = 0;
  EXPECT_THAT(ParseModelConfig(config, "c"), FailsWith(StatusCode::kInvalidArgument, "beta_fast"));
  config["rope_scaling"] = {{"rope_type", "yarn"}};
  EXPECT_THAT(ParseModelConfig(config, "c"), FailsWith(StatusCode::kInvalidArgument, "factor"));
}

// What is trained on fewer positions than it reaches may be asked for more than its default.
TEST(ModelConfigTest, ScaledModelsReachBeyondTheirPositions) {
  Json config = Llama();
  EXPECT_EQ(Parsed(config).MaxContextTokens(), 512);
  config["rope_scaling"] = {{"rope_type", "dynamic"}, {"factor", 4}};
  EXPECT_EQ(Parsed(config).MaxContextTokens(), 2048);
  config["rope_scaling"] = {
      {"rope_type", "yarn"}, {"factor", 8}, {"original_max_position_embeddings", 256}};
  EXPECT_EQ(Parsed(config).MaxContextTokens(), 2048);
  config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 4}};
  EXPECT_EQ(Parsed(config).MaxContextTokens(), 512);
}

TEST(ModelConfigTest, Gemma2AlternatesWindowsAndCapsScores) {
  Json config = Family("Gemma2ForCausalLM", "gemma2",
                       {{"hidden_activation", "gelu_pytorch_tanh"}, {"num_hidden_layers", 3}});
  const ModelConfig parsed = Parsed(config);
  EXPECT_EQ(parsed.head_dim, 256);
  EXPECT_EQ(parsed.attention_scale, 1.0f / 16);
  EXPECT_EQ(parsed.attention_soft_cap, 50.0f);
  EXPECT_EQ(parsed.logit_soft_cap, 30.0f);
  EXPECT_EQ(parsed.norm_weight_offset, 1.0f);
  EXPECT_EQ(parsed.activation, kernels::ActivationKind::kGeluTanh);
  EXPECT_TRUE(parsed.tie_word_embeddings);
  EXPECT_EQ(parsed.SlidingWindow(0), 4096);
  EXPECT_EQ(parsed.SlidingWindow(1), 0);
  EXPECT_EQ(parsed.SlidingWindow(2), 4096);
  config["attn_logit_softcapping"] = nullptr;
  EXPECT_EQ(Parsed(config).attention_soft_cap, 0.0f);
  for (const auto& [field, value] :
       std::vector<std::pair<const char*, Json>>{{"attn_logit_softcapping", -1},
                                                 {"final_logit_softcapping", "30"},
                                                 {"query_pre_attn_scalar", 0},
                                                 {"sliding_window", 0}}) {
    Json bad = config;
    bad[field] = value;
    EXPECT_THAT(ParseModelConfig(bad, "c"),
                FailsWith(StatusCode::kInvalidArgument, std::string("c: ") + field));
  }
}

TEST(ModelConfigTest, EmbeddingsOfGemmaAreScaledInTheTypeOfTheModel) {
  Json config = Family("Gemma2ForCausalLM", "gemma2", {{"hidden_size", 3072}});
  EXPECT_EQ(Parsed(config).embedding_scale, std::sqrt(3072.0f));
  config["torch_dtype"] = "bfloat16";
  EXPECT_EQ(Parsed(config).embedding_scale, 55.5f);
  config.erase("torch_dtype");
  config["dtype"] = "float16";
  EXPECT_EQ(Parsed(config).embedding_scale, 55.4375f);
}

TEST(ModelConfigTest, Gemma3HasALocalRotaryBaseUnderItsWindows) {
  Json config = Family("Gemma3ForCausalLM", "gemma3_text", {{"num_hidden_layers", 7}});
  const ModelConfig parsed = Parsed(config);
  EXPECT_EQ(parsed.rope_theta, 1e6);
  EXPECT_EQ(parsed.local_rope_theta, 1e4);
  EXPECT_EQ(parsed.attention_soft_cap, 0.0f);
  EXPECT_EQ(parsed.logit_soft_cap, 0.0f);
  EXPECT_EQ(parsed.layout.k_norm, "self_attn.k_norm");
  EXPECT_EQ(parsed.SlidingWindow(4), 4096);
  EXPECT_EQ(parsed.SlidingWindow(5), 0);
  EXPECT_EQ(parsed.SlidingWindow(6), 4096);
  config["rope_parameters"] = {
      {"full_attention", {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", 2e6}}},
      {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 3e4}}}};
  EXPECT_EQ(Parsed(config).rope_theta, 2e6);
  EXPECT_EQ(Parsed(config).rope_scaling.factor, 8.0);
  EXPECT_EQ(Parsed(config).local_rope_theta, 3e4);
  config["rope_parameters"]["sliding_attention"] = {{"rope_type", "linear"}, {"factor", 8.0}};
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kUnimplemented, "sliding_attention: rope_type"));
  config.erase("rope_parameters");
  config["use_bidirectional_attention"] = true;
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kUnimplemented, "use_bidirectional_attention"));
}

TEST(ModelConfigTest, TheTextPartOfGemma3NamesOnlyWhatIsNotItsDefault) {
  const Json config = Json::parse(R"({"architectures": ["Gemma3ForConditionalGeneration"],
    "model_type": "gemma3", "eos_token_id": [1, 106], "torch_dtype": "bfloat16",
    "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34,
                    "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "sliding_window": 1024},
    "vision_config": {}})");
  const ModelConfig parsed = Parsed(config);
  EXPECT_EQ(parsed.num_layers, 34);
  EXPECT_EQ(parsed.vocab_size, 262208);
  EXPECT_EQ(parsed.num_heads, 8);
  EXPECT_EQ(parsed.num_kv_heads, 4);
  EXPECT_EQ(parsed.head_dim, 256);
  EXPECT_EQ(parsed.sliding_window, 1024);
  EXPECT_EQ(parsed.embedding_scale, 50.5f);
  EXPECT_EQ(parsed.eos_token_ids, (std::vector<std::int32_t>{1, 106}));
  Json bad = config;
  bad["text_config"]["num_hidden_layers"] = 0;
  EXPECT_THAT(ParseModelConfig(bad, "c"),
              FailsWith(StatusCode::kInvalidArgument, "c: text_config: num_hidden_layers: wanted"));
}

TEST(ModelConfigTest, Gpt2HasNamesOfItsOwn) {
  Json config = Json::parse(R"({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2",
    "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 100, "vocab_size": 50,
    "layer_norm_epsilon": 1e-4})");
  const ModelConfig parsed = Parsed(config);
  EXPECT_EQ(parsed.intermediate_size, 256);
  EXPECT_EQ(parsed.head_dim, 16);
  EXPECT_EQ(parsed.rotary_dim, 0);
  EXPECT_EQ(parsed.max_position_embeddings, 100);
  EXPECT_EQ(parsed.norm_epsilon, 1e-4f);
  EXPECT_EQ(parsed.norm_kind, kernels::NormKind::kLayer);
  EXPECT_EQ(parsed.activation, kernels::ActivationKind::kGeluTanh);
  EXPECT_TRUE(parsed.tie_word_embeddings);
  EXPECT_TRUE(parsed.layout.has_transposed_weights);
  EXPECT_FALSE(parsed.layout.has_gate());
  config["scale_attn_weights"] = false;
  EXPECT_EQ(Parsed(config).attention_scale, 1.0f);
  config["scale_attn_by_inverse_layer_idx"] = true;
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kUnimplemented, "scale_attn_by_inverse_layer_idx"));
  config.erase("scale_attn_by_inverse_layer_idx");
  for (const auto& [field, value] :
       std::vector<std::pair<const char*, Json>>{{"n_embd", 66}, {"n_layer", 0}, {"n_head", -1}}) {
    Json bad = config;
    bad[field] = value;
    EXPECT_THAT(ParseModelConfig(bad, "c"),
                FailsWith(StatusCode::kInvalidArgument, std::string("c: ") + field));
  }
  config.erase("n_embd");
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "n_embd: wanted"));
}

TEST(ModelConfigTest, BertIsAnEncoder) {
  Json config = Family("BertModel", "bert", {{"hidden_act", "gelu_new"}});
  EXPECT_TRUE(Parsed(config).is_encoder());
  EXPECT_EQ(Parsed(config).activation, kernels::ActivationKind::kGeluTanh);
  config.erase("hidden_act");
  EXPECT_EQ(Parsed(config).activation, kernels::ActivationKind::kGelu);
  config["position_embedding_type"] = "relative_key";
  EXPECT_THAT(ParseModelConfig(config, "c"), FailsWith(StatusCode::kUnimplemented, "relative_key"));
}

TEST(ModelConfigTest, RobertaHasRoomForFewerTokensThanPositions) {
  Json config = Family("XLMRobertaModel", "xlm-roberta",
                       {{"hidden_act", "gelu"}, {"max_position_embeddings", 514}});
  EXPECT_TRUE(Parsed(config).is_encoder());
  EXPECT_EQ(Parsed(config).max_position_embeddings, 512);
  EXPECT_EQ(Parsed(config).first_position(), 2);
  config["pad_token_id"] = 3;
  EXPECT_EQ(Parsed(config).max_position_embeddings, 510);
  config["max_position_embeddings"] = 4;
  EXPECT_THAT(ParseModelConfig(config, "c"),
              FailsWith(StatusCode::kInvalidArgument, "max_position_embeddings"));
}

TEST(ModelConfigTest, ModelTypeStandsInForTheArchitecture) {
  Json config = Llama();
  config.erase("architectures");
  EXPECT_EQ(Parsed(config).architecture, "LlamaForCausalLM");
}

TEST(ModelConfigTest, UnknownArchitecturesAreNamed) {
  EXPECT_THAT(ParseModelConfig(Family("GPTJForCausalLM", "gptj"), "config.json"),
              FailsWith(StatusCode::kUnimplemented, "have \"GPTJForCausalLM\""));
  EXPECT_THAT(ParseModelConfig(Json::object(), "config.json"),
              FailsWith(StatusCode::kUnimplemented, "architectures"));
  EXPECT_THAT(ParseModelConfig(Json::array(), "config.json"),
              FailsWith(StatusCode::kInvalidArgument, "wanted an object"));
}

TEST(ModelConfigTest, QuantizationIsReadWithTheRest) {
  Json config = Llama();
  EXPECT_FALSE(ParseModelConfig(config, "config.json")->quantization.has_value());
  config["quantization_config"] = {{"quant_method", "gptq"}, {"bits", 8}};
  const auto parsed = ParseModelConfig(config, "config.json");
  ASSERT_THAT(parsed, IsOk());
  ASSERT_TRUE(parsed->quantization.has_value());
  EXPECT_EQ(parsed->quantization->gptq.bits, 8);
  config["quantization_config"] = {{"quant_method", "hqq"}};
  EXPECT_THAT(ParseModelConfig(config, "config.json"),
              FailsWith(StatusCode::kUnimplemented, "\"hqq\""));
}

TEST(ModelConfigTest, QuantizationMayStandInAFileOfItsOwn) {
  const testing::TemporaryDirectory directory;
  testing::WriteFile(directory.path() / "config.json", Llama().dump());
  testing::WriteFile(directory.path() / "quantize_config.json",
                     R"({"bits": 3, "group_size": 64, "desc_act": true, "sym": false,
                         "dynamic": {"b": {"bits": 8}, "a": {"bits": 2}}})");
  const auto gptq = LoadModelConfig(directory.path());
  ASSERT_THAT(gptq, IsOk());
  ASSERT_TRUE(gptq->quantization.has_value());
  EXPECT_EQ(gptq->quantization->gptq.bits, 3);
  ASSERT_EQ(gptq->quantization->gptq_rules.size(), 2u);
  EXPECT_EQ(gptq->quantization->gptq_rules[0].key, "b");

  std::filesystem::remove(directory.path() / "quantize_config.json");
  testing::WriteFile(directory.path() / "quant_config.json",
                     R"({"w_bit": 4, "q_group_size": 64, "zero_point": true, "version": "GEMV"})");
  const auto awq = LoadModelConfig(directory.path());
  ASSERT_THAT(awq, IsOk());
  ASSERT_TRUE(awq->quantization.has_value());
  EXPECT_EQ(awq->quantization->awq_layout, kernels::AwqLayout::kGemv);
  EXPECT_EQ(awq->quantization->awq_group_size, 64);

  testing::WriteFile(directory.path() / "quant_config.json", "{");
  EXPECT_THAT(LoadModelConfig(directory.path()),
              FailsWith(StatusCode::kInvalidArgument, "quant_config.json"));
}

TEST(ModelConfigTest, FieldsOutOfRangeAreNamed) {
  struct Case {
    const char* field;
    Json value;
  };
  const Case cases[] = {
      {"num_hidden_layers", 0},
      {"num_hidden_layers", 1'000'000},
      {"num_hidden_layers", "two"},
      {"hidden_size", -64},
      {"hidden_size", 4294967360},
      {"hidden_size", 65},
      {"num_attention_heads", 0},
      {"num_attention_heads", 1 << 20},
      {"num_key_value_heads", 3},
      {"num_key_value_heads", 0},
      {"head_dim", 7},
      {"head_dim", 1 << 20},
      {"vocab_size", 1 << 30},
      {"intermediate_size", 0},
      {"max_position_embeddings", 0},
      {"rms_norm_eps", -1},
      {"rms_norm_eps", "1e-5"},
      {"rope_theta", 0},
      {"rope_theta", 1e300},
      {"eos_token_id", 100},
      {"eos_token_id", -1},
      {"bos_token_id", 1e9},
      {"tie_word_embeddings", 1},
  };
  for (const Case& c : cases) {
    Json config = Llama();
    config[c.field] = c.value;
    EXPECT_THAT(ParseModelConfig(config, "config.json"),
                FailsWith(StatusCode::kInvalidArgument, std::string("config.json: ") + c.field))
        << c.value;
  }
  for (const char* field : {"num_hidden_layers", "hidden_size", "intermediate_size",
                            "num_attention_heads", "vocab_size"}) {
    Json config = Llama();
    config.erase(field);
    EXPECT_THAT(ParseModelConfig(config, "config.json"),
                FailsWith(StatusCode::kInvalidArgument, std::string(field) + ": wanted"));
  }
}

TEST(ModelConfigTest, MissingFileIsNotFound) {
  EXPECT_THAT(LoadModelConfig("/nowhere"), FailsWith(StatusCode::kNotFound, "/nowhere"));
}

class GenerationConfigTest : public ::testing::Test {
 protected:
  StatusOr<GenerationConfig> Load(const std::string& content) {
    testing::WriteFile(directory_.path() / "generation_config.json", content);
    return LoadGenerationConfig(directory_.path(), config_);
  }

  ModelConfig config_ = Parsed(Llama());
  testing::TemporaryDirectory directory_;
};

TEST_F(GenerationConfigTest, AbsentFileGivesGreedyAndTheModelsEos) {
  const auto generation = LoadGenerationConfig(directory_.path(), config_);
  ASSERT_THAT(generation, IsOk());
  EXPECT_EQ(generation->sampling.temperature, 0.0f);
  EXPECT_EQ(generation->eos_token_ids, std::vector<std::int32_t>{2});
}

TEST_F(GenerationConfigTest, EosOfTheFileWins) {
  const auto generation = Load(R"({"eos_token_id": [5, 6]})");
  ASSERT_THAT(generation, IsOk());
  EXPECT_EQ(generation->eos_token_ids, (std::vector<std::int32_t>{5, 6}));
}

TEST_F(GenerationConfigTest, SamplingCountsOnlyWithDoSample) {
  const auto greedy = Load(R"({"temperature": 0.6, "top_p": 0.9})");
  ASSERT_THAT(greedy, IsOk());
  EXPECT_EQ(greedy->sampling.temperature, 0.0f);
  const auto sampled =
      Load(R"({"do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": 20})");
  ASSERT_THAT(sampled, IsOk());
  EXPECT_EQ(sampled->sampling.temperature, 0.6f);
  EXPECT_EQ(sampled->sampling.top_p, 0.9f);
  EXPECT_EQ(sampled->sampling.top_k, 20);
  const auto plain = Load(R"({"do_sample": true})");
  ASSERT_THAT(plain, IsOk());
  EXPECT_EQ(plain->sampling.temperature, 1.0f);
}

TEST_F(GenerationConfigTest, RepetitionPenaltyCountsWithoutSamplingToo) {
  const auto greedy = Load(R"({"repetition_penalty": 1.1, "typical_p": 0.5})");
  ASSERT_THAT(greedy, IsOk());
  EXPECT_EQ(greedy->sampling.repetition_penalty, 1.1f);
  EXPECT_EQ(greedy->sampling.typical_p, 1.0f);
  const auto sampled = Load(R"({"do_sample": true, "typical_p": 0.5})");
  ASSERT_THAT(sampled, IsOk());
  EXPECT_EQ(sampled->sampling.typical_p, 0.5f);
  EXPECT_THAT(Load(R"({"repetition_penalty": 0})"),
              FailsWith(StatusCode::kInvalidArgument, "repetition_penalty"));
}

TEST_F(GenerationConfigTest, FieldsOutOfRangeAreNamed) {
  EXPECT_THAT(Load(R"({"eos_token_id": 100})"),
              FailsWith(StatusCode::kInvalidArgument, "generation_config.json: eos_token_id"));
  EXPECT_THAT(Load(R"({"do_sample": true, "top_p": 2})"),
              FailsWith(StatusCode::kInvalidArgument, "top_p"));
}

TEST(ModelShapesTest, EveryShapeIsAValidModel) {
  struct Case {
    const char* name;
    double billions;  // of parameters, as the model's card says
  };
  for (const Case& c :
       {Case{"llama-3.2-1b", 1.24}, Case{"tinyllama-1.1b", 1.10}, Case{"qwen2.5-0.5b", 0.49},
        Case{"llama-3.1-8b", 8.03}, Case{"mistral-7b", 7.25}}) {
    const auto config = FindModelShape(c.name);
    ASSERT_THAT(config, IsOk());
    const double hidden = config->hidden_size;
    const double layer =
        2 * hidden * config->head_dim * (config->num_heads + config->num_kv_heads) +
        3 * hidden * config->intermediate_size;
    const double tables = hidden * config->vocab_size * (config->tie_word_embeddings ? 1 : 2);
    EXPECT_NEAR((layer * config->num_layers + tables) / 1e9, c.billions, 0.01) << c.name;
  }
  EXPECT_THAT(FindModelShape("gpt-5"), FailsWith(StatusCode::kNotFound, "mistral-7b"));
}

}  // namespace
}  // namespace quire::engine
