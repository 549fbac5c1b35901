#include "engine/quantization/linear_groups.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::FailsWith;
using testing::IsOk;
using ::testing::SizeIs;

ModelConfig SmallConfig() {
  ModelConfig config;
  config.architecture = "SomeForCausalLM";
  config.num_heads = 4;
  config.num_kv_heads = 2;
  config.head_dim = 8;
  config.hidden_size = 48;
  config.intermediate_size = 96;
  return config;
}

TEST(LinearGroupsTest, LayersThatShareAnInputAreOneGroup) {
  const auto groups = LinearGroups(SmallConfig(), "model.", 3);
  ASSERT_THAT(groups, IsOk());
  ASSERT_THAT(*groups, SizeIs(4));
  const LinearGroup& qkv = (*groups)[0];
  ASSERT_THAT(qkv.linears, SizeIs(3));
  EXPECT_EQ(qkv.linears[1].name, "model.layers.3.self_attn.k_proj");
  EXPECT_EQ(qkv.linears[1].out, 16);
  EXPECT_EQ(qkv.linears[1].in, 48);
  EXPECT_EQ(qkv.source, "model.layers.3.input_layernorm");
  EXPECT_TRUE(qkv.source_is_norm);
  EXPECT_EQ((*groups)[1].source, "model.layers.3.self_attn.v_proj");
  EXPECT_EQ((*groups)[3].linears[0].in, 96);
  EXPECT_EQ((*groups)[3].source, "model.layers.3.mlp.up_proj");
}

TEST(LinearGroupsTest, FusedLayersAreOneAndTakeNoFactors) {
  ModelConfig config = SmallConfig();
  config.layout.q = config.layout.k = config.layout.v = "self_attn.qkv_proj";
  config.layout.gate = config.layout.up = "mlp.gate_up_proj";
  const auto groups = LinearGroups(config, "", 0);
  ASSERT_THAT(groups, IsOk());
  ASSERT_THAT((*groups)[0].linears, SizeIs(1));
  EXPECT_EQ((*groups)[0].linears[0].out, 64);
  EXPECT_EQ((*groups)[1].source, "");
  ASSERT_THAT((*groups)[2].linears, SizeIs(1));
  EXPECT_EQ((*groups)[2].linears[0].name, "layers.0.mlp.gate_up_proj");
  EXPECT_EQ((*groups)[2].linears[0].out, 192);
  EXPECT_EQ((*groups)[3].source, "");
}

TEST(LinearGroupsTest, AnActivationBetweenTwoLayersTakesNoFactors) {
  ModelConfig config = SmallConfig();
  config.layout.gate = "";
  const auto groups = LinearGroups(config, "", 0);
  ASSERT_THAT(groups, IsOk());
  EXPECT_THAT((*groups)[2].linears, SizeIs(1));
  EXPECT_EQ((*groups)[3].source, "");
}

TEST(LinearGroupsTest, WhatQuantizedCheckpointsHaveNoFormForIsRefused) {
  ModelConfig config = SmallConfig();
  EXPECT_THAT(LinearGroups(config, "language_model.model.", 0),
              FailsWith(absl::StatusCode::kUnimplemented, "a part of SomeForCausalLM"));
}

TEST(LinearGroupsTest, LayersStoredTheOtherWaySaySo) {
  ModelConfig config = SmallConfig();
  config.layout.layers = "h";
  config.layout.o = "attn.c_proj";
  config.layout.has_transposed_weights = true;
  const auto groups = LinearGroups(config, "transformer.", 1);
  ASSERT_THAT(groups, IsOk());
  const LinearShape& o = (*groups)[1].linears[0];
  EXPECT_EQ(o.name, "transformer.h.1.attn.c_proj");
  EXPECT_EQ(o.suffix, "attn.c_proj");
  EXPECT_EQ(o.out, 48);
  EXPECT_EQ(o.in, 32);
  EXPECT_EQ(o.stored_shape(), (std::array<std::int64_t, 2>{32, 48}));
}

}  // namespace
}  // namespace quire::engine
