#include "engine/engine_core.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/support/faulty_device.h"
#include "tests/support/model_core.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"
#include "tests/support/tiny_model.h"

namespace quire::engine {
namespace {

using testing::IsOk;

class EngineCoreTest : public ::testing::Test {
 protected:
  EngineCoreTest() {
    testing::WriteTinyLlama(directory_.path());
    core_ = testing::LoadCore(
        directory_.path(), {.max_batch_tokens = 128, .max_logit_rows = 8},
        {.num_blocks = 64, .limits = {.max_batch_tokens = 128, .max_sequences = 8}}, device_);
  }

  // A sequence that wants `num_tokens` greedy ones.
  static Sequence Wanting(std::int32_t num_tokens, std::size_t prompt_size) {
    Request request;
    for (std::size_t i = 0; i < prompt_size; ++i) {
      request.prompt.push_back(static_cast<TokenId>(3 + i * i % 200));
    }
    request.max_new_tokens = num_tokens;
    return MakeSequence(request, 0);
  }

  testing::TemporaryDirectory directory_;
  testing::FaultyDevice device_;
  std::unique_ptr<EngineCore> core_;
};

TEST_F(EngineCoreTest, NothingToDoIsNoStep) {
  core_->Begin();
  EXPECT_FALSE(core_->has_begun());
  const auto results = core_->Finish();
  ASSERT_THAT(results, IsOk());
  EXPECT_TRUE(results->empty());
}

TEST_F(EngineCoreTest, WhatIsRemovedInAStepGivesNoResult) {
  Sequence alone = Wanting(3, 20);
  ASSERT_THAT(core_->Add(alone), IsOk());
  for (int i = 0; i < 3; ++i) ASSERT_THAT(core_->Step(), IsOk());
  core_->Remove(alone);

  // Its log-probs take several parts of a step, the later of which begin after it is gone.
  Sequence removed = Wanting(3, 40);
  removed.request.num_prompt_logprobs = 0;
  Sequence stays = Wanting(3, 20);
  ASSERT_THAT(core_->Add(removed), IsOk());
  ASSERT_THAT(core_->Add(stays), IsOk());
  core_->Begin();
  EXPECT_TRUE(core_->has_begun());
  core_->Remove(removed);
  const auto results = core_->Finish();
  ASSERT_THAT(results, IsOk());
  ASSERT_EQ(results->size(), 1u);
  EXPECT_EQ(results->front().sequence, &stays);
  for (int i = 0; i < 2; ++i) ASSERT_THAT(core_->Step(), IsOk());
  EXPECT_EQ(stays.tokens, alone.tokens);
  EXPECT_EQ(removed.num_output_tokens(), 0);
  core_->Remove(stays);
  EXPECT_EQ(core_->allocator().num_free(), 64);
}

TEST_F(EngineCoreTest, SequencesAreAddedInAStep) {
  Sequence first = Wanting(4, 20);
  Sequence second = Wanting(4, 20);
  ASSERT_THAT(core_->Add(first), IsOk());
  core_->Begin();
  ASSERT_THAT(core_->Add(second), IsOk());
  const auto results = core_->Finish();
  ASSERT_THAT(results, IsOk());
  EXPECT_EQ(results->size(), 1u);
  for (int i = 0; i < 3; ++i) ASSERT_THAT(core_->Step(), IsOk());
  core_->Remove(first);
  ASSERT_THAT(core_->Step(), IsOk());
  EXPECT_EQ(first.tokens, second.tokens);
  core_->Remove(second);
}

// An end in the middle of a step, which reads memory of the core.
TEST_F(EngineCoreTest, TheCoreGoesInAStep) {
  Sequence sequence = Wanting(4, 20);
  ASSERT_THAT(core_->Add(sequence), IsOk());
  core_->Begin();
  core_.reset();
}

}  // namespace
}  // namespace quire::engine
