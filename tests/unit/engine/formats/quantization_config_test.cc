#include "engine/formats/quantization_config.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using Json = nlohmann::json;
using testing::FailsWith;
using testing::IsOk;

StatusOr<QuantizationConfig> Read(const Json& object, const std::string& default_method = "gptq") {
  JsonFields fields(object, "config.json: quantization_config");
  QuantizationConfig config = ReadQuantizationConfig(fields, default_method);
  QUIRE_RETURN_IF_ERROR(fields.status());
  return config;
}

TEST(QuantizationConfigTest, GptqIsRead) {
  const auto config = Read({{"quant_method", "gptq"},
                            {"bits", 3},
                            {"group_size", -1},
                            {"sym", false},
                            {"checkpoint_format", "gptq_v2"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->method, QuantizationConfig::Method::kGptq);
  EXPECT_EQ(config->gptq.bits, 3);
  EXPECT_EQ(config->gptq.group_size, -1);
  EXPECT_FALSE(config->gptq.symmetric);
  EXPECT_FALSE(config->zeros_minus_one);
  EXPECT_TRUE(Read({{"quant_method", "gptq"}})->zeros_minus_one);
}

TEST(QuantizationConfigTest, AwqIsReadUnderItsOldNamesToo) {
  const auto config =
      Read({{"quant_method", "awq"}, {"bits", 4}, {"group_size", 64}, {"version", "GEMV_FAST"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->method, QuantizationConfig::Method::kAwq);
  EXPECT_EQ(config->awq_layout, kernels::AwqLayout::kGemvFast);
  EXPECT_EQ(config->awq_group_size, 64);
  EXPECT_EQ(Read({{"w_bit", 4}, {"q_group_size", 32}}, "awq")->awq_group_size, 32);
}

TEST(QuantizationConfigTest, BitsAndBytesIsRead) {
  const auto config = Read({{"quant_method", "bitsandbytes"}, {"llm_int8_threshold", 4.5}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->method, QuantizationConfig::Method::kBitsAndBytes);
  EXPECT_EQ(config->int8_threshold, 4.5f);
}

TEST(QuantizationConfigTest, WhatWeDoNotHaveIsNamed) {
  const std::pair<Json, const char*> cases[] = {
      {{{"quant_method", "aqlm"}}, "\"aqlm\""},
      {{{"quant_method", "gptq"}, {"bits", 5}}, "bits: wanted 2, 3, 4 or 8, have 5"},
      {{{"quant_method", "gptq"}, {"checkpoint_format", "marlin"}}, "\"marlin\""},
      {{{"quant_method", "gptq"}, {"pack_dtype", "int64"}}, "\"int64\""},
      {{{"quant_method", "awq"}, {"bits", 8}}, "bits: wanted 4, have 8"},
      {{{"quant_method", "awq"}, {"version", "marlin"}}, "\"marlin\""},
  };
  for (const auto& [object, message] : cases) {
    EXPECT_THAT(Read(object), FailsWith(StatusCode::kUnimplemented, message));
  }
}

TEST(QuantizationConfigTest, LiesAreNamed) {
  const std::pair<Json, const char*> cases[] = {
      {{{"bits", "four"}}, "bits"},
      {{{"group_size", 0}}, "group_size"},
      {{{"group_size", -2}}, "group_size"},
      {{{"group_size", 1 << 30}}, "group_size"},
      {{{"sym", 1}}, "sym"},
      {{{"dynamic", 7}}, "dynamic"},
      {{{"dynamic", {{"+:(", Json::object()}}}}, "dynamic: +:("},
      {{{"dynamic", {{"a", 7}}}}, "dynamic: a"},
      {{{"dynamic", {{"a", {{"group_size", 0}}}}}}, "dynamic: a: group_size"},
      {{{"quant_method", "bitsandbytes"}, {"llm_int8_threshold", -1}}, "llm_int8_threshold"},
  };
  for (const auto& [object, message] : cases) {
    EXPECT_THAT(Read(object), FailsWith(StatusCode::kInvalidArgument, message)) << object;
  }
}

TEST(QuantizationConfigTest, TheFirstRuleThatMatchesFromTheStartCounts) {
  const auto config = Read({{"bits", 4},
                            {"group_size", 128},
                            {"dynamic",
                             {{"+:model\\.layers\\.0\\.", {{"bits", 8}}},
                              {"-:.*mlp.*", {{"bits", 2}}},
                              {"layers", {{"bits", 3}}},
                              {"model.layers.1", {{"bits", 2}, {"group_size", -1}}}}}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->SettingsOf("model.layers.0.self_attn.q_proj").bits, 8);
  EXPECT_EQ(config->SettingsOf("model.layers.0.self_attn.q_proj").group_size, 128);
  // In the order of a parsed object, "+:" before "-:" before the rest.
  EXPECT_EQ(config->SettingsOf("model.layers.1.mlp.up_proj").bits, 4);
  EXPECT_EQ(config->SettingsOf("model.layers.1.self_attn.q_proj").bits, 2);
  EXPECT_EQ(config->SettingsOf("model.layers.1.self_attn.q_proj").group_size, -1);
  EXPECT_EQ(config->SettingsOf("model.layers.2.self_attn.q_proj").bits, 4);
}

}  // namespace
}  // namespace quire::engine
