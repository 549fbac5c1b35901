// The same request gives the same tokens, whatever else the engine does: on a trained model, 200
// prompts alone against batches, pieces of prefill, cached prefixes, guesses and preemption.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "engine/engine.h"
#include "tests/support/engine_requests.h"
#include "tests/support/sanitizers.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using testing::Collected;
using testing::GreedyRequest;
using testing::IsOk;
using testing::Stories260k;

constexpr std::size_t kNumPrompts = testing::IsSanitized() ? 16 : 200;

// Pieces of a story, half of them with a common beginning, half of them sampled.
std::vector<Request> MakeRequests() {
  const std::vector<TokenId> ids =
      nlohmann::json::parse(testing::ReadWholeFile(Stories260k() / "greedy_ids.json"));
  std::mt19937 random(200);
  const auto draw = [&](std::size_t min, std::size_t max) {
    return std::uniform_int_distribution<std::size_t>(min, max)(random);
  };
  std::vector<Request> requests;
  for (std::size_t i = 0; i < kNumPrompts; ++i) {
    const std::size_t begin = i % 2 == 0 ? 0 : draw(1, 100);
    const std::size_t length = draw(1, 150);
    const auto first = ids.begin() + static_cast<std::ptrdiff_t>(begin);
    Request request = GreedyRequest({first, first + static_cast<std::ptrdiff_t>(length)}, 16);
    request.ignore_eos = true;
    if (i % 4 < 2) request.sampling = {.temperature = 0.8f, .top_p = 0.9f, .seed = i};
    requests.push_back(std::move(request));
  }
  return requests;
}

class InvarianceTest : public ::testing::Test {
 protected:
  void SetUp() override { QUIRE_SKIP_WITHOUT(Stories260k()); }

  std::unique_ptr<Engine> NewEngine(EngineOptions options = {}) {
    options.model_path = Stories260k();
    options.max_queued_requests = 2 * kNumPrompts;
    auto engine = Engine::Create(options, *device_);
    EXPECT_THAT(engine, IsOk());
    return *std::move(engine);
  }

  // The tokens of each request, all submitted at once.
  static std::vector<std::vector<TokenId>> RunAll(Engine& engine, std::vector<Request> requests) {
    std::vector<std::vector<TokenId>> ids;
    for (const Collected& result : testing::RunRequests(engine, std::move(requests))) {
      EXPECT_THAT(result.status, IsOk());
      ids.push_back(result.output.ids);
    }
    return ids;
  }

  // Computed once, one request after the other, with no cache.
  const std::vector<std::vector<TokenId>>& Alone() {
    static const auto alone = [this] {
      EngineOptions options;
      options.prefix_cache = false;
      const auto engine = NewEngine(options);
      std::vector<std::vector<TokenId>> ids;
      for (const Request& request : MakeRequests()) {
        ids.push_back(testing::RunRequest(*engine, request).output.ids);
      }
      return ids;
    }();
    return alone;
  }

  const std::unique_ptr<kernels::Device> device_ = std::move(kernels::EnumerateDevices().front());
};

TEST_F(InvarianceTest, BatchesOfEverySize) {
  for (const std::int32_t max_sequences : {2, 7, 64}) {
    EngineOptions options;
    options.prefix_cache = false;
    options.max_sequences = max_sequences;
    EXPECT_EQ(RunAll(*NewEngine(options), MakeRequests()), Alone()) << max_sequences;
  }
}

TEST_F(InvarianceTest, PrefillsInPiecesOfEverySize) {
  for (const std::int32_t max_batch_tokens : {1, 2, 13, 100, 512}) {
    EngineOptions options;
    options.prefix_cache = false;
    options.max_batch_tokens = max_batch_tokens;
    EXPECT_EQ(RunAll(*NewEngine(options), MakeRequests()), Alone()) << max_batch_tokens;
  }
}

TEST_F(InvarianceTest, CachedPrefixes) {
  const auto engine = NewEngine();
  for (int repeat = 0; repeat < 3; ++repeat) {
    EXPECT_EQ(RunAll(*engine, MakeRequests()), Alone()) << repeat;
  }
}

TEST_F(InvarianceTest, Guesses) {
  std::vector<Request> requests = MakeRequests();
  for (Request& request : requests) request.max_draft_tokens = 8;
  EXPECT_EQ(RunAll(*NewEngine(), requests), Alone());
}

TEST_F(InvarianceTest, Preemption) {
  for (const bool prefix_cache : {false, true}) {
    EngineOptions options;
    options.prefix_cache = prefix_cache;
    options.context_tokens = 200;
    // One block is kept in reserve for each sequence; outputs outgrow small ones many times.
    options.block_size = 4;
    // 5 layers x 2 x 4 heads x 8 elements x 4 bytes a token.
    options.kv_cache_bytes = std::int64_t{400} * 5 * 2 * 4 * 8 * 4;
    const auto engine = NewEngine(options);
    std::vector<Request> requests = MakeRequests();
    for (std::size_t i = 0; i < requests.size(); ++i) {
      requests[i].scheduling.priority = static_cast<Priority>(i % 3);
    }
    EXPECT_EQ(RunAll(*engine, requests), Alone());
    EXPECT_GT(engine->load().num_preemptions, 0);
  }
}

}  // namespace
}  // namespace quire::engine
