#include "engine/quantization/quantize_model.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "engine/formats/checkpoint.h"
#include "engine/model/model_config.h"
#include "tests/support/perplexity.h"
#include "tests/support/tiny_model.h"

namespace quire::engine {
namespace {

using ::testing::Contains;
using testing::FailsWith;
using testing::HasCode;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::Logprobs;
using testing::ReadWholeFile;
using ::testing::SizeIs;
using testing::WriteTinyLlama;

constexpr QuantizationMethod kAllMethods[] = {QuantizationMethod::kNf4, QuantizationMethod::kInt8,
                                              QuantizationMethod::kGptq, QuantizationMethod::kAwq};

// Every byte, so that no channel is idle.
std::string CalibrationText() {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(32 + i * i % 95);
  return text;
}

class QuantizeModelTest : public ::testing::Test {
 protected:
  QuantizeModelTest() {
    auto device = kernels::FindDevice("cpu");
    EXPECT_THAT(device, IsOk());
    device_ = *std::move(device);
  }

  QuantizeOptions Options(QuantizationMethod method) const {
    return {.model_path = model_,
            .output_path = folder_.path() / QuantizationMethodName(method),
            .method = method,
            .calibration_text = CalibrationText(),
            .window_tokens = 128};
  }
  StatusOr<QuantizeResult> Quantize(const QuantizeOptions& options) {
    return QuantizeModel(options, *device_, 2, [](std::string_view, std::int64_t, std::int64_t) {});
  }
  // Mean of the differences of log-probabilities to those of the plain model.
  double Difference(const std::string& path) {
    const std::string text = CalibrationText();
    const std::vector<double> plain = Logprobs(model_, text, 128, *device_);
    const std::vector<double> quantized = Logprobs(path, text, 128, *device_);
    EXPECT_EQ(plain.size(), quantized.size());
    double sum = 0;
    for (std::size_t i = 0; i < plain.size(); ++i) sum += std::abs(plain[i] - quantized[i]);
    return sum / static_cast<double>(plain.size());
  }

  const testing::TemporaryDirectory folder_;
  const std::string model_ = folder_.path() / "model";
  std::unique_ptr<kernels::Device> device_;
};

// With as many heads of v as of q every group's factors have somewhere to go, and an error in one
// place would change the model beyond recognition. Random weights of 0.3 give logits of size 10.
TEST_F(QuantizeModelTest, EveryMethodGivesAModelThatIsNearThePlainOne) {
  WriteTinyLlama(model_, 1, {.hidden = 64, .intermediate = 96, .num_kv_heads = 2});
  for (const QuantizationMethod method : kAllMethods) {
    const auto result = Quantize(Options(method));
    ASSERT_THAT(result, IsOk());
    EXPECT_THAT(result->files, Contains("model.safetensors"));
    EXPECT_THAT(result->plain_layers, IsEmpty());
    EXPECT_EQ(result->num_linear_layers, 14);
    const double difference = Difference(Options(method).output_path);
    RecordProperty(std::string(QuantizationMethodName(method)), std::to_string(difference));
    EXPECT_LT(difference, method == QuantizationMethod::kInt8 ? 0.2 : 2.0)
        << QuantizationMethodName(method);
    EXPECT_GT(difference, 0);
  }
}

// Norms of weight plus one, before and after each part of a layer.
void WriteTinyGemma(const std::string& directory) {
  testing::TinyWeights weights(/*seed=*/1);
  weights.Matrix("model.embed_tokens.weight", testing::kTinyVocabSize, 64);
  for (int i = 0; i < 2; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    for (const char* name : {"input", "post_attention", "pre_feedforward", "post_feedforward"}) {
      weights.Vector(layer + name + "_layernorm.weight", 64, -0.2f);
    }
    for (const char* name : {"q", "k", "v", "o"}) {
      weights.Matrix(layer + "self_attn." + name + "_proj.weight", 64, 64);
    }
    weights.Matrix(layer + "mlp.gate_proj.weight", 96, 64);
    weights.Matrix(layer + "mlp.up_proj.weight", 96, 64);
    weights.Matrix(layer + "mlp.down_proj.weight", 64, 96);
  }
  weights.Vector("model.norm.weight", 64, 0.0f);
  const nlohmann::json config = {{"architectures", {"Gemma2ForCausalLM"}},
                                 {"model_type", "gemma2"},
                                 {"hidden_size", 64},
                                 {"intermediate_size", 96},
                                 {"num_hidden_layers", 2},
                                 {"num_attention_heads", 2},
                                 {"num_key_value_heads", 2},
                                 {"head_dim", 32},
                                 {"query_pre_attn_scalar", 32},
                                 {"sliding_window", 64},
                                 {"vocab_size", testing::kTinyVocabSize},
                                 {"max_position_embeddings", 256},
                                 {"hidden_activation", "gelu_pytorch_tanh"},
                                 {"bos_token_id", 1},
                                 {"eos_token_id", 2}};
  testing::WriteTinyModel(directory, config, /*is_encoder=*/false, weights);
}

TEST_F(QuantizeModelTest, FactorsLeaveNormsOfWeightPlusOneWhatTheyStandFor) {
  WriteTinyGemma(model_);
  for (const QuantizationMethod method : {QuantizationMethod::kGptq, QuantizationMethod::kAwq}) {
    const auto result = Quantize(Options(method));
    ASSERT_THAT(result, IsOk());
    EXPECT_THAT(result->plain_layers, IsEmpty());
    EXPECT_LT(Difference(Options(method).output_path), 2.0) << QuantizationMethodName(method);
  }
  const auto plain = Checkpoint::Open(model_);
  const auto written = Checkpoint::Open(Options(QuantizationMethod::kAwq).output_path);
  ASSERT_THAT(written, IsOk());
  const auto bytes = [](const auto& checkpoint, const char* norm) {
    const auto stored = (*checkpoint)->Stored(std::string("model.layers.0.") + norm + ".weight");
    EXPECT_THAT(stored, IsOk());
    return std::vector<std::uint8_t>(stored->bytes.begin(), stored->bytes.end());
  };
  // Factors come out of the norm before the MLP, not out of the one that Llama calls so.
  EXPECT_NE(bytes(plain, "pre_feedforward_layernorm"), bytes(written, "pre_feedforward_layernorm"));
  EXPECT_EQ(bytes(plain, "post_attention_layernorm"), bytes(written, "post_attention_layernorm"));
}

// Weights [in, out], biases everywhere; wider one way than the other, so that shapes cannot be
// mistaken.
void WriteTinyGpt2(const std::string& directory) {
  testing::TinyWeights weights(/*seed=*/1);
  weights.Matrix("transformer.wte.weight", testing::kTinyVocabSize, 64);
  weights.Matrix("transformer.wpe.weight", 256, 64);
  const auto conv1d = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    weights.Matrix(name + ".weight", in, out);
    weights.Vector(name + ".bias", out, 0.01f);
  };
  for (int i = 0; i < 2; ++i) {
    const std::string layer = fmt::format("transformer.h.{}.", i);
    weights.LayerNorm(layer + "ln_1", 64);
    weights.LayerNorm(layer + "ln_2", 64);
    conv1d(layer + "attn.c_attn", 3 * 64, 64);
    conv1d(layer + "attn.c_proj", 64, 64);
    conv1d(layer + "mlp.c_fc", 96, 64);
    conv1d(layer + "mlp.c_proj", 64, 96);
  }
  weights.LayerNorm("transformer.ln_f", 64);
  const nlohmann::json config = {{"architectures", {"GPT2LMHeadModel"}},
                                 {"model_type", "gpt2"},
                                 {"n_embd", 64},
                                 {"n_inner", 96},
                                 {"n_layer", 2},
                                 {"n_head", 2},
                                 {"n_positions", 256},
                                 {"vocab_size", testing::kTinyVocabSize},
                                 {"bos_token_id", 1},
                                 {"eos_token_id", 2}};
  testing::WriteTinyModel(directory, config, /*is_encoder=*/false, weights);
}

TEST_F(QuantizeModelTest, LayersStoredTheOtherWayComeOutAsReadersWantThem) {
  WriteTinyGpt2(model_);
  for (const QuantizationMethod method :
       {QuantizationMethod::kNf4, QuantizationMethod::kInt8, QuantizationMethod::kGptq}) {
    const auto result = Quantize(Options(method));
    ASSERT_THAT(result, IsOk());
    EXPECT_THAT(result->plain_layers, IsEmpty());
    EXPECT_EQ(result->num_linear_layers, 8);
    EXPECT_LT(Difference(Options(method).output_path),
              method == QuantizationMethod::kInt8 ? 0.2 : 2.0)
        << QuantizationMethodName(method);
  }
  const auto written = Checkpoint::Open(Options(QuantizationMethod::kInt8).output_path);
  ASSERT_THAT(written, IsOk());
  const auto stored = (*written)->Stored("transformer.h.1.mlp.c_fc.weight");
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->shape, (std::vector<std::int64_t>{96, 64}));
  EXPECT_THAT(Quantize(Options(QuantizationMethod::kAwq)),
              FailsWith(absl::StatusCode::kUnimplemented, "GPT2LMHeadModel"));
}

TEST_F(QuantizeModelTest, ShapesThatDoNotFitStayAsTheyAre) {
  WriteTinyLlama(model_, 1, {.hidden = 64, .intermediate = 88});
  for (const QuantizationMethod method : {QuantizationMethod::kGptq, QuantizationMethod::kAwq}) {
    const auto result = Quantize(Options(method));
    ASSERT_THAT(result, IsOk());
    EXPECT_THAT(result->plain_layers, SizeIs(6));
    EXPECT_THAT(result->plain_layers, Contains("model.layers.1.mlp.down_proj"));
    EXPECT_EQ(result->group_size, 64);
    EXPECT_GT(result->calibration_tokens, 900);
    const auto config =
        nlohmann::json::parse(ReadWholeFile(Options(method).output_path + "/config.json"));
    const nlohmann::json& stored = config["quantization_config"];
    const char* named = method == QuantizationMethod::kAwq ? "modules_to_not_convert" : "dynamic";
    EXPECT_THAT(stored[named].dump(), ::testing::HasSubstr("mlp"));
    const auto plain = Checkpoint::Open(model_);
    const auto written = Checkpoint::Open(Options(method).output_path);
    ASSERT_THAT(written, IsOk());
    const std::string name = "model.layers.0.mlp.up_proj.weight";
    EXPECT_THAT((*written)->Stored(name)->bytes,
                ::testing::ElementsAreArray((*plain)->Stored(name)->bytes));
    EXPECT_LT(Difference(Options(method).output_path), 2.0);
  }
}

TEST_F(QuantizeModelTest, ShardsHoldWhatOneFileWould) {
  WriteTinyLlama(model_, 1, {.hidden = 64, .intermediate = 96});
  QuantizeOptions options = Options(QuantizationMethod::kInt8);
  options.max_shard_bytes = 20'000;
  const auto result = Quantize(options);
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->files, Contains("model.safetensors.index.json"));
  EXPECT_LT(Difference(options.output_path), 0.2);
}

TEST_F(QuantizeModelTest, OtherFieldsOfTheConfigurationKeepTheirOrder) {
  WriteTinyLlama(model_, 1, {.hidden = 64, .intermediate = 96});
  testing::WriteFile(folder_.path() / "model" / "generation_config.json", "{\"top_k\": 5}");
  ASSERT_THAT(Quantize(Options(QuantizationMethod::kNf4)), IsOk());
  const auto output = folder_.path() / "nf4";
  const auto before = nlohmann::ordered_json::parse(ReadWholeFile(model_ + "/config.json"));
  auto after = nlohmann::ordered_json::parse(ReadWholeFile(output / "config.json"));
  EXPECT_EQ(after["quantization_config"]["bnb_4bit_quant_type"], "nf4");
  after.erase("quantization_config");
  EXPECT_EQ(after.dump(), before.dump());
  EXPECT_EQ(ReadWholeFile(output / "generation_config.json"), "{\"top_k\": 5}");
  EXPECT_EQ(ReadWholeFile(output / "tokenizer.json"), ReadWholeFile(model_ + "/tokenizer.json"));
}

TEST_F(QuantizeModelTest, WhatCannotBeIsRefusedAndLeavesNothing) {
  WriteTinyLlama(model_, 1, {.hidden = 64, .intermediate = 96});
  QuantizeOptions options = Options(QuantizationMethod::kGptq);
  options.calibration_text = "";
  EXPECT_THAT(Quantize(options), FailsWith(testing::kInvalid, "calibration text"));
  options = Options(QuantizationMethod::kGptq);
  options.group_size = 48;
  EXPECT_THAT(Quantize(options), FailsWith(testing::kInvalid, "32, 64 or 128"));
  options.group_size = 128;
  EXPECT_THAT(Quantize(options), FailsWith(testing::kInvalid, "have none"));
  options = Options(QuantizationMethod::kNf4);
  options.output_path = model_;
  EXPECT_THAT(Quantize(options), FailsWith(testing::kInvalid, "empty directory"));
  options = Options(QuantizationMethod::kNf4);
  options.model_path = folder_.path() / "none";
  EXPECT_THAT(Quantize(options), HasCode(absl::StatusCode::kNotFound));
  for (const QuantizationMethod method : kAllMethods) {
    EXPECT_FALSE(std::filesystem::exists(Options(method).output_path));
  }
}

TEST_F(QuantizeModelTest, AQuantizedModelIsNotQuantizedAgain) {
  WriteTinyLlama(model_, 1, {.hidden = 64, .intermediate = 96});
  ASSERT_THAT(Quantize(Options(QuantizationMethod::kAwq)), IsOk());
  QuantizeOptions again = Options(QuantizationMethod::kNf4);
  again.model_path = Options(QuantizationMethod::kAwq).output_path;
  EXPECT_THAT(Quantize(again),
              FailsWith(absl::StatusCode::kFailedPrecondition, "have awq already"));
}

TEST_F(QuantizeModelTest, WeightsThatAreNoNumbersAreNamed) {
  WriteTinyLlama(model_, 1, {.hidden = 64, .intermediate = 96});
  std::string bytes = ReadWholeFile(model_ + "/model.safetensors");
  const auto checkpoint = Checkpoint::Open(model_);
  const auto* tensor = (*checkpoint)->shards()[0]->Find("model.layers.1.mlp.up_proj.weight");
  const float infinity = INFINITY;
  std::memcpy(bytes.data() + tensor->begin + 40, &infinity, sizeof(infinity));
  testing::WriteFile(model_ + "/model.safetensors", bytes);
  for (const QuantizationMethod method : {QuantizationMethod::kNf4, QuantizationMethod::kInt8}) {
    EXPECT_THAT(
        Quantize(Options(method)),
        FailsWith(absl::StatusCode::kDataLoss, "model.layers.1.mlp.up_proj.weight: element 10"));
  }
}

TEST_F(QuantizeModelTest, AnEncoderIsRefused) {
  testing::WriteTinyBert(model_);
  EXPECT_THAT(Quantize(Options(QuantizationMethod::kInt8)),
              FailsWith(testing::kInvalid, "only embeds"));
}

}  // namespace
}  // namespace quire::engine
