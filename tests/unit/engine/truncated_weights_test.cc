#include <gmock/gmock.h>

#include <filesystem>

#include "engine/embedder.h"
#include "tests/support/tiny_engine.h"

// Weights whose file becomes shorter under a model: an error, not the end of the process.

namespace quire::engine {
namespace {

using absl::StatusCode;
using std::chrono::milliseconds;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

class TruncatedWeightsTest : public testing::TinyEngineTest {
 protected:
  std::filesystem::path weights() const { return directory_.path() / "model.safetensors"; }
  // Leaves the header and nothing that a layer reads.
  void Truncate() const { std::filesystem::resize_file(weights(), 4096); }
};

// Events until the stream fails; how.
Status LastError(OutputStream& stream) {
  for (int i = 0; i < 10'000; ++i) {
    const auto next = stream.Next(milliseconds(100));
    if (!next.ok()) return next.status();
    if (next->has_value() && (*next)->finish) return OkStatus();
  }
  return absl::DeadlineExceededError("no event");
}

TEST_F(TruncatedWeightsTest, TheModelDoesNotLoad) {
  device_.OnImport([this] { Truncate(); });
  const auto engine = Create();
  EXPECT_THAT(engine, HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(engine.status().message(), HasSubstr("model.safetensors"));
  EXPECT_THAT(engine.status().message(), HasSubstr("truncated"));
}

TEST_F(TruncatedWeightsTest, AGenerationFailsAndNoOtherBegins) {
  const auto engine = NewEngine();
  device_.Pause();
  const auto running = engine->Submit(LongRequest());
  ASSERT_THAT(running, IsOk());
  ASSERT_TRUE(Eventually([&] { return device_.num_waiting() > 0; }));
  Truncate();
  device_.Resume();
  EXPECT_THAT(LastError(**running), HasCode(StatusCode::kDataLoss));
  // What the handler does with reads after that: the next step reads every layer.
  const auto refused = engine->Submit(LongRequest());
  EXPECT_THAT(refused, HasCode(StatusCode::kDataLoss));
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
}

// The file is cut between two steps, so that a whole step reads what is not there.
TEST_F(TruncatedWeightsTest, WhatWaitsFailsToo) {
  EngineOptions options;
  options.max_sequences = 1;
  const auto engine = NewEngine(options);
  device_.Pause();
  const auto streams = SubmitLongRequests(*engine, 3);
  ASSERT_TRUE(Eventually([&] { return device_.num_waiting() > 0; }));
  Truncate();
  device_.Resume();
  for (const auto& stream : streams) {
    EXPECT_THAT(LastError(*stream), HasCode(StatusCode::kDataLoss));
  }
}

TEST_F(TruncatedWeightsTest, AnEmbeddingFails) {
  testing::TemporaryDirectory directory;
  testing::WriteTinyBert(directory.path());
  const auto embedder = Embedder::Create({.model_path = directory.path(), .turns = {}}, device_);
  ASSERT_THAT(embedder, IsOk());
  const std::vector<std::string> texts = {"quire"};
  EXPECT_THAT((*embedder)->Embed(texts, /*truncate=*/false), IsOk());
  std::filesystem::resize_file(directory.path() / "model.safetensors", 4096);
  EXPECT_THAT((*embedder)->Embed(texts, /*truncate=*/false), HasCode(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace quire::engine
