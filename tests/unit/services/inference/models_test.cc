#include <gtest/gtest.h>

#include "services/inference/handlers.h"
#include "services/server/version.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/inference/fakes.h"

namespace quire::services {
namespace {

using inference::v1::GetModelRequest;
using inference::v1::GetModelResponse;
using inference::v1::ListModelsRequest;
using inference::v1::ListModelsResponse;
using quire::testing::HasCode;
using quire::testing::IsOk;

class ModelsTest : public ::testing::Test {
 protected:
  testing::EngineScript script_;
  const ModelRegistry models_ = testing::MakeRegistry(script_);
};

TEST_F(ModelsTest, ListsTheLanguageModelFirst) {
  ListModelsResponse response;
  ASSERT_THAT(ListModels(models_, {}, response), IsOk());
  ASSERT_EQ(response.models_size(), 3);
  EXPECT_EQ(response.next_page_token(), "");
  const auto& writer = response.models(0);
  EXPECT_EQ(writer.name(), "models/writer");
  EXPECT_EQ(writer.architecture(), "ScriptedForCausalLM");
  EXPECT_EQ(writer.context_tokens(), 100);
  EXPECT_TRUE(writer.can_generate() && writer.can_chat() && !writer.can_embed());
  const auto& vectors = response.models(1);
  EXPECT_EQ(vectors.name(), "models/vectors");
  EXPECT_EQ(vectors.embedding_dimension(), 2);
  EXPECT_EQ(vectors.fingerprint(), "f1");
  EXPECT_TRUE(!vectors.can_generate() && !vectors.can_chat() && vectors.can_embed());
  const auto& judge = response.models(2);
  EXPECT_EQ(judge.name(), "models/judge");
  EXPECT_EQ(judge.context_tokens(), 10);
  EXPECT_TRUE(!judge.can_generate() && !judge.can_embed() && judge.can_rerank());
}

TEST_F(ModelsTest, PagesFollowEachOther) {
  ListModelsRequest request;
  request.set_page_size(1);
  ListModelsResponse first;
  ASSERT_THAT(ListModels(models_, request, first), IsOk());
  ASSERT_EQ(first.models_size(), 1);
  EXPECT_EQ(first.models(0).name(), "models/writer");
  request.set_page_token(first.next_page_token());
  ListModelsResponse second;
  ASSERT_THAT(ListModels(models_, request, second), IsOk());
  ASSERT_EQ(second.models_size(), 1);
  EXPECT_EQ(second.models(0).name(), "models/vectors");
  request.set_page_token(second.next_page_token());
  ListModelsResponse third;
  ASSERT_THAT(ListModels(models_, request, third), IsOk());
  ASSERT_EQ(third.models_size(), 1);
  EXPECT_EQ(third.models(0).name(), "models/judge");
  EXPECT_EQ(third.next_page_token(), "");
}

TEST_F(ModelsTest, BadPagesAreRefused) {
  ListModelsResponse response;
  ListModelsRequest negative;
  negative.set_page_size(-1);
  EXPECT_THAT(ListModels(models_, negative, response), HasCode(absl::StatusCode::kInvalidArgument));
  ListModelsRequest foreign;
  foreign.set_page_token("abc");
  EXPECT_THAT(ListModels(models_, foreign, response), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(ModelsTest, GetModelKnowsNamesAndDefaults) {
  const auto get = [&](const std::string& name) {
    GetModelRequest request;
    request.set_name(name);
    GetModelResponse response;
    const Status status = GetModel(models_, request, response);
    return status.ok() ? response.model().name() : absl::StatusCodeToString(status.code());
  };
  EXPECT_EQ(get("models/writer"), "models/writer");
  EXPECT_EQ(get("models/default"), "models/writer");
  EXPECT_EQ(get("models/default-embedding"), "models/vectors");
  EXPECT_EQ(get("models/default-reranking"), "models/judge");
  EXPECT_EQ(get("models/other"), "NOT_FOUND");
  EXPECT_EQ(get("writer"), "INVALID_ARGUMENT");
  EXPECT_EQ(get("models/"), "INVALID_ARGUMENT");
  EXPECT_EQ(get(""), "INVALID_ARGUMENT");
}

TEST_F(ModelsTest, ServerInfoTellsTheLoad) {
  inference::v1::GetServerInfoResponse response;
  ASSERT_THAT(GetServerInfo(models_, response), IsOk());
  EXPECT_EQ(response.version(), Version());
  EXPECT_EQ(response.device(), "cpu/test");
  EXPECT_EQ(response.num_running_requests(), 1);
  EXPECT_EQ(response.num_waiting_requests(), 2);
  EXPECT_EQ(response.num_free_kv_blocks(), 3);
  EXPECT_EQ(response.num_kv_blocks(), 4);
  EXPECT_EQ(response.kv_block_size(), 16);
}

TEST_F(ModelsTest, ServerInfoTellsWhoGetsTheMemory) {
  const engine::MemoryPlan plan = {
      .device = {},
      .available_bytes = 100,
      .embedding = engine::ModelMemory{.weight_bytes = 1, .workspace_bytes = 2},
      .reranking = engine::ModelMemory{.weight_bytes = 7, .workspace_bytes = 8},
      .language = engine::ModelMemory{.weight_bytes = 3, .workspace_bytes = 4},
      .kv = {.size_bytes = 5, .dtype = kernels::DType::kI8, .context_tokens = 6}};
  const ModelRegistry registry("cpu/test", {}, plan);
  inference::v1::GetServerInfoResponse response;
  ASSERT_THAT(GetServerInfo(registry, response), IsOk());
  const inference::v1::MemoryPlan& memory = response.memory();
  EXPECT_EQ(memory.available_bytes(), 100);
  EXPECT_EQ(memory.embedding_weight_bytes(), 1);
  EXPECT_EQ(memory.embedding_workspace_bytes(), 2);
  EXPECT_EQ(memory.language_weight_bytes(), 3);
  EXPECT_EQ(memory.language_workspace_bytes(), 4);
  EXPECT_EQ(memory.kv_cache_bytes(), 5);
  EXPECT_EQ(memory.reranking_weight_bytes(), 7);
  EXPECT_EQ(memory.reranking_workspace_bytes(), 8);
  EXPECT_EQ(memory.kv_cache_type(), "int8");
  EXPECT_EQ(memory.context_tokens(), 6);
}

}  // namespace
}  // namespace quire::services
