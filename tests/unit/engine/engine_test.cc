#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/tiny_engine.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using std::chrono::milliseconds;
using testing::Collect;
using testing::Collected;
using testing::FailsWith;
using testing::GreedyRequest;
using testing::HasCode;
using testing::IsOk;
using testing::RunRequest;
using testing::RunRequests;

class EngineTest : public testing::TinyEngineTest {};

TEST_F(EngineTest, TextIdsAndUsageBelongTogether) {
  const auto engine = NewEngine();
  Request request = GreedyRequest({1, 70, 71, 72}, 20);
  request.ignore_eos = true;
  request.num_logprobs = 2;
  const Collected result = RunRequest(*engine, request);
  ASSERT_THAT(result.status, IsOk());
  EXPECT_EQ(result.output.ids.size(), 20u);
  EXPECT_EQ(result.output.logprobs.size(), 20u);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(result.output.logprobs[i].token.id, result.output.ids[i]);
    EXPECT_EQ(result.output.logprobs[i].top.size(), 2u);
  }
  const auto text = engine->tokenizer().Decode(result.output.ids, /*skip_special_tokens=*/true);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(result.output.text, *text);
  EXPECT_EQ(result.output.finish, FinishReason::kLength);
  EXPECT_EQ(result.output.usage.prompt_tokens, 4);
  EXPECT_EQ(result.output.usage.completion_tokens, 20);
  EXPECT_GT(result.output.usage.prefill_time.count(), 0);
  EXPECT_GT(result.output.usage.decode_time.count(), 0);
}

TEST_F(EngineTest, StopTokenEndsTheOutputWithoutText) {
  const auto engine = NewEngine();
  Request request = GreedyRequest({1, 70, 71}, 20);
  request.ignore_eos = true;
  const std::vector<TokenId> ids = RunRequest(*engine, request).output.ids;
  ASSERT_EQ(ids.size(), 20u);
  request.stop_token_ids = {ids[5]};
  const Collected result = RunRequest(*engine, request);
  const auto first = std::find(ids.begin(), ids.end(), ids[5]);
  EXPECT_EQ(result.output.ids, std::vector<TokenId>(ids.begin(), first + 1));
  EXPECT_EQ(result.output.finish, FinishReason::kStop);
  const auto text =
      engine->tokenizer().Decode(std::vector<TokenId>(ids.begin(), first), /*skip_special=*/true);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(result.output.text, *text);
}

TEST_F(EngineTest, StopStringEndsTheOutputBeforeIt) {
  const auto engine = NewEngine();
  const std::string text = RunRequest(*engine, LongRequest()).output.text;
  ASSERT_GT(text.size(), 60u);
  Request request = LongRequest();
  request.stop = {"not in the text", text.substr(40, 6)};
  const Collected result = RunRequest(*engine, request);
  EXPECT_EQ(result.output.finish, FinishReason::kStopString);
  EXPECT_EQ(result.output.stop_match, text.substr(40, 6));
  EXPECT_EQ(result.output.text, text.substr(0, text.find(text.substr(40, 6))));
  EXPECT_LT(result.output.ids.size(), 250u);
}

TEST_F(EngineTest, SeedDecidesTheSample) {
  const auto engine = NewEngine();
  Request request = LongRequest();
  request.sampling = {.temperature = 1.0f, .seed = 7};
  const Collected first = RunRequest(*engine, request);
  EXPECT_EQ(first.output.ids, RunRequest(*engine, request).output.ids);
  request.sampling.seed = 8;
  EXPECT_NE(first.output.ids, RunRequest(*engine, request).output.ids);
  request.sampling.seed.reset();
  EXPECT_NE(RunRequest(*engine, request).output.ids, RunRequest(*engine, request).output.ids);
}

TEST_F(EngineTest, ScoringGivesPromptLogprobsAlone) {
  EngineOptions options;
  options.max_batch_tokens = 16;  // the prompt takes several steps
  const auto engine = NewEngine(options);
  std::vector<TokenId> prompt;
  for (int i = 0; i < 100; ++i) prompt.push_back(3 + i);
  Request request = GreedyRequest(prompt, 0);
  request.num_prompt_logprobs = 1;
  const Collected result = RunRequest(*engine, request);
  ASSERT_THAT(result.status, IsOk());
  ASSERT_EQ(result.output.prompt_logprobs.size(), 99u);
  for (std::size_t i = 0; i < 99; ++i) {
    EXPECT_EQ(result.output.prompt_logprobs[i].token.id, prompt[i + 1]);
  }
  EXPECT_TRUE(result.output.ids.empty());
  EXPECT_EQ(result.output.finish, FinishReason::kLength);
}

TEST_F(EngineTest, PromptLogprobsComeWithTheFirstEvent) {
  const auto engine = NewEngine();
  Request request = LongRequest();
  request.num_prompt_logprobs = 0;
  const auto stream = engine->Submit(request);
  ASSERT_THAT(stream, IsOk());
  const auto event = (*stream)->Next(std::chrono::minutes(1));
  ASSERT_THAT(event, IsOk());
  ASSERT_TRUE(event->has_value());
  EXPECT_EQ((*event)->prompt_logprobs.size(), 2u);
}

TEST_F(EngineTest, ACachedPrefixIsCountedAndChangesNothing) {
  Request request = GreedyRequest(std::vector<TokenId>(100, 70), 20);
  request.num_logprobs = 2;
  request.ignore_eos = true;
  EngineOptions options;
  options.prefix_cache = false;
  const Collected plain = RunRequest(*NewEngine(options), request);
  const auto engine = NewEngine();
  const Collected first = RunRequest(*engine, request);
  const Collected second = RunRequest(*engine, request);
  EXPECT_EQ(first.output.usage.cached_tokens, 0);
  EXPECT_EQ(second.output.usage.cached_tokens, 96);
  for (const Collected* run : {&first, &second}) {
    ASSERT_EQ(run->output.ids, plain.output.ids);
    for (std::size_t i = 0; i < plain.output.logprobs.size(); ++i) {
      EXPECT_EQ(run->output.logprobs[i].token.logprob, plain.output.logprobs[i].token.logprob);
    }
  }
}

TEST_F(EngineTest, CancelFreesBlocksAndEndsTheStream) {
  const auto engine = NewEngine();
  const EngineLoad idle = engine->load();
  EXPECT_EQ(idle.num_free_blocks, idle.num_blocks);
  device_.Pause();  // so that the request cannot finish by itself
  const auto stream = engine->Submit(LongRequest());
  ASSERT_THAT(stream, IsOk());
  (*stream)->Cancel();
  (*stream)->Cancel();
  device_.Resume();
  EXPECT_THAT(Collect(**stream).status, HasCode(StatusCode::kCancelled));
  // The reader learns of the end after the blocks are free.
  EXPECT_EQ(engine->load().num_free_blocks, idle.num_blocks);
  EXPECT_EQ(engine->load().num_running, 0);
}

TEST_F(EngineTest, DroppingTheStreamCancels) {
  const auto engine = NewEngine();
  device_.Pause();
  {
    const auto stream = engine->Submit(LongRequest());
    ASSERT_THAT(stream, IsOk());
  }
  device_.Resume();
  EXPECT_TRUE(Eventually([&] {
    const EngineLoad load = engine->load();
    return load.num_running + load.num_waiting == 0 && load.num_free_blocks == load.num_blocks;
  }));
}

TEST_F(EngineTest, DeadlineEndsRunningAndWaitingRequests) {
  EngineOptions options;
  options.max_sequences = 1;
  const auto engine = NewEngine(options);
  device_.Pause();
  Request request = LongRequest();
  request.deadline = std::chrono::steady_clock::now() + milliseconds(30);
  const auto running = engine->Submit(request);
  const auto waiting = engine->Submit(request);
  ASSERT_THAT(running, IsOk());
  ASSERT_THAT(waiting, IsOk());
  std::this_thread::sleep_until(*request.deadline);
  device_.Resume();
  EXPECT_THAT(Collect(**running).status, HasCode(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Collect(**waiting).status, HasCode(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
}

TEST_F(EngineTest, FullQueueRefuses) {
  EngineOptions options;
  options.max_sequences = 1;
  options.max_queued_requests = 2;
  const auto engine = NewEngine(options);
  device_.Pause();
  const auto streams = SubmitLongRequests(*engine, 3);
  EXPECT_THAT(engine->Submit(LongRequest()), FailsWith(StatusCode::kResourceExhausted, "queue"));
  device_.Resume();
  for (const auto& stream : streams) EXPECT_THAT(Collect(*stream).status, IsOk());
  EXPECT_THAT(engine->Submit(LongRequest()), IsOk());
}

TEST_F(EngineTest, AnEvictedPrefixComesBackFromTheHostTierAndChangesNothing) {
  const auto long_prompt = [](TokenId id, std::size_t num_tokens) {
    Request request = GreedyRequest(std::vector<TokenId>(num_tokens, id), 20);
    request.num_logprobs = 2;
    request.ignore_eos = true;
    return request;
  };
  // Room for one context.
  constexpr std::int64_t kCacheBytes = std::int64_t{16} * 16 * 2 * 2 * 8 * 4;
  EngineOptions options;
  options.kv_cache_bytes = kCacheBytes;
  for (const std::int64_t tier_bytes : {std::int64_t{0}, kCacheBytes}) {
    options.host_tier_bytes = tier_bytes;
    const auto engine = NewEngine(options);
    EXPECT_EQ(engine->limits().host_tier_bytes, tier_bytes);
    const Collected first = RunRequest(*engine, long_prompt(70, 100));
    EXPECT_THAT(RunRequest(*engine, long_prompt(71, 200)).status, IsOk());
    const Collected second = RunRequest(*engine, long_prompt(70, 100));
    if (tier_bytes == 0) {
      EXPECT_LT(second.output.usage.cached_tokens, 96);
      EXPECT_EQ(second.output.usage.prefix_miss.miss, PrefixMiss::kEvicted);
    } else {
      EXPECT_EQ(second.output.usage.cached_tokens, 96);
      EXPECT_EQ(second.output.usage.prefix_miss.miss, PrefixMiss::kNone);
    }
    ASSERT_EQ(second.output.ids, first.output.ids);
    for (std::size_t i = 0; i < first.output.logprobs.size(); ++i) {
      EXPECT_EQ(second.output.logprobs[i].token.logprob, first.output.logprobs[i].token.logprob);
    }
  }
}

TEST_F(EngineTest, FailedStepEndsWhatRanAndTheEngineGoesOn) {
  const auto engine = NewEngine();
  const Collected before = RunRequest(*engine, LongRequest());
  device_.FailNextSynchronize(Internal("kernel: a planted failure"));
  EXPECT_THAT(RunRequest(*engine, LongRequest()).status,
              FailsWith(StatusCode::kInternal, "planted"));
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
  const Collected after = RunRequest(*engine, LongRequest());
  ASSERT_THAT(after.status, IsOk());
  EXPECT_EQ(after.output.ids, before.output.ids);
}

TEST_F(EngineTest, ALostDeviceEndsWhatRunsAndWhatWaitsAndTakesNothingNew) {
  EngineOptions options;
  options.max_sequences = 1;
  const auto engine = NewEngine(options);
  device_.Pause();
  const auto running = engine->Submit(LongRequest());
  const auto waiting = engine->Submit(LongRequest());
  ASSERT_THAT(running, IsOk());
  ASSERT_THAT(waiting, IsOk());
  ASSERT_TRUE(Eventually([&] { return device_.num_waiting() > 0; }));
  device_.Lose();
  device_.Resume();
  EXPECT_THAT(Collect(**running).status, FailsWith(StatusCode::kUnavailable, "lost"));
  EXPECT_THAT(Collect(**waiting).status, FailsWith(StatusCode::kUnavailable, "lost"));
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
  EXPECT_THAT(engine->Submit(LongRequest()), FailsWith(StatusCode::kUnavailable, "lost"));
}

TEST_F(EngineTest, DestructionCancelsWhatRuns) {
  auto engine = NewEngine();
  device_.Pause();
  const auto stream = engine->Submit(LongRequest());
  ASSERT_THAT(stream, IsOk());
  // In the middle of a step.
  ASSERT_TRUE(Eventually([&] { return device_.num_waiting() > 0; }));
  std::thread destroy([&] { engine.reset(); });
  // Long enough for the destructor to ask; the request has 249 steps to go.
  std::this_thread::sleep_for(milliseconds(50));
  device_.Resume();
  destroy.join();
  EXPECT_THAT(Collect(**stream).status, HasCode(StatusCode::kCancelled));
}

TEST_F(EngineTest, ManyThreadsGetTheirOwnAnswers) {
  EngineOptions options;
  options.max_sequences = 3;
  options.max_batch_tokens = 24;
  const auto engine = NewEngine(options);
  const auto request_of = [](int i) {
    Request request = GreedyRequest({1, 3 + i, 4 + i, 5 + i}, 30);
    request.ignore_eos = true;
    return request;
  };
  std::vector<std::vector<TokenId>> alone;
  for (int i = 0; i < 8; ++i) alone.push_back(RunRequest(*engine, request_of(i)).output.ids);
  std::atomic<int> num_wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int repeat = 0; repeat < 5; ++repeat) {
        const Collected result = RunRequest(*engine, request_of(i));
        if (result.output.ids != alone[static_cast<std::size_t>(i)]) ++num_wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(num_wrong, 0);
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
}

TEST_F(EngineTest, RequestsThatCanNeverRunAreRefused) {
  const auto engine = NewEngine();
  const auto expect = [&](const Request& request, const char* field) {
    EXPECT_THAT(engine->Submit(request), FailsWith(StatusCode::kInvalidArgument, field));
  };
  const Request good = GreedyRequest({1, 2}, 4);
  expect(GreedyRequest({}, 4), "prompt");
  expect(GreedyRequest({1, 259}, 4), "prompt[1]");
  expect(GreedyRequest({-1}, 4), "prompt[0]");
  expect(GreedyRequest(std::vector<TokenId>(257, 5), 1), "prompt");
  expect(GreedyRequest({1}, -1), "max_new_tokens");
  expect(GreedyRequest({1}, 0), "max_new_tokens");
  expect(GreedyRequest({1}, 256), "max_new_tokens: wanted at most 255");
  EXPECT_THAT(engine->Submit(GreedyRequest({1}, 255)), IsOk());
  Request request = good;
  request.sampling.temperature = std::nanf("");
  expect(request, "temperature");
  request = good;
  request.stop = {""};
  expect(request, "stop");
  request.stop.assign(17, "x");
  expect(request, "stop");
  request.stop = {std::string(257, 'x')};
  expect(request, "stop");
  request = good;
  request.stop_token_ids = {259};
  expect(request, "stop_token_ids[0]");
  request.stop_token_ids.assign(257, 1);
  expect(request, "stop_token_ids");
  request = good;
  request.num_logprobs = -1;
  expect(request, "num_logprobs");
  request = good;
  request.num_prompt_logprobs = 101;
  expect(request, "num_prompt_logprobs");
}

TEST_F(EngineTest, LimitsFollowTheOptions) {
  EngineOptions options;
  options.context_tokens = 100;
  options.kv_cache_bytes = 1 << 20;
  const auto engine = NewEngine(options);
  EXPECT_EQ(engine->limits().context_tokens, 100);
  EXPECT_LE(engine->limits().kv_cache_bytes, 1 << 20);
  EXPECT_GT(engine->limits().kv_cache_bytes, (1 << 20) - (1 << 14));
  EXPECT_GT(engine->limits().weight_bytes, 4 * 259 * 16);
  EXPECT_EQ(NewEngine()->limits().context_tokens, 256);
}

TEST_F(EngineTest, TheKvCacheTakesWhatADeviceHasOfItsOwn) {
  EngineOptions options;
  options.host_tier_bytes = 1 << 20;  // is not in that memory
  device_.SetOwnMemory(1 << 24);
  const EngineLimits limits = NewEngine(options)->limits();
  const std::int64_t left = (1 << 24) - limits.weight_bytes - limits.workspace_bytes;
  EXPECT_LE(limits.kv_cache_bytes, left - left / 10);
  EXPECT_GT(limits.kv_cache_bytes, left - left / 10 - (1 << 12));
  device_.SetOwnMemory(limits.weight_bytes + limits.workspace_bytes - 1);
  EXPECT_THAT(Create(options), FailsWith(StatusCode::kResourceExhausted, "memory: wanted"));
}

TEST_F(EngineTest, TheKvCacheGetsWhatTheModelLeaves) {
  EngineOptions options;
  options.memory_bytes = std::int64_t{1} << 40;
  const EngineLimits limits = NewEngine(options)->limits();
  EXPECT_EQ(limits.kv_cache_dtype, kernels::DType::kF32);
  // Room for 32 half-full contexts of 256 tokens, 2 layers x 2 x 8 elements x 4 bytes each.
  EXPECT_EQ(limits.kv_cache_bytes, 16 * 256 * 2 * 2 * 8 * 4);
  const std::int64_t model_bytes = limits.weight_bytes + limits.workspace_bytes;
  const std::int64_t context_bytes = limits.kv_cache_bytes / 16;
  options.memory_bytes = model_bytes + context_bytes;
  EXPECT_EQ(NewEngine(options)->limits().kv_cache_bytes, context_bytes);
  // One block less.
  *options.memory_bytes -= 1;
  EXPECT_THAT(Create(options),
              FailsWith(StatusCode::kResourceExhausted,
                        "--context-tokens 240 would fit, or --kv-cache-type bf16"));
  options.context_tokens = 240;
  EXPECT_THAT(Create(options), IsOk());
  options.memory_bytes = model_bytes - 1;
  EXPECT_THAT(Create(options), FailsWith(StatusCode::kResourceExhausted, "memory: wanted"));
  // Whoever gives the cache its size is believed.
  options.kv_cache_bytes = context_bytes;
  EXPECT_THAT(Create(options), IsOk());
}

TEST_F(EngineTest, AnInt8CacheTakesItsShareOfTheMemory) {
  EngineOptions options;
  options.memory_bytes = std::int64_t{1} << 40;
  options.kv_cache_dtype = kernels::DType::kI8;
  const auto engine = NewEngine(options);
  EXPECT_EQ(engine->limits().kv_cache_bytes, 16 * 256 * 2 * 2 * (8 + 4));
  EXPECT_THAT(RunRequest(*engine, LongRequest()).status, IsOk());
}

TEST_F(EngineTest, ImpossibleOptionsAreRefused) {
  const auto expect = [&](const EngineOptions& options, StatusCode code, const char* part) {
    EXPECT_THAT(Create(options), FailsWith(code, part));
  };
  EngineOptions options;
  options.context_tokens = 257;
  expect(options, StatusCode::kInvalidArgument, "context_tokens");
  options = {};
  options.block_size = 0;
  expect(options, StatusCode::kInvalidArgument, "block_size");
  options = {};
  options.max_sequences = 0;
  expect(options, StatusCode::kInvalidArgument, "max_sequences");
  options = {};
  options.max_batch_tokens = -1;
  expect(options, StatusCode::kInvalidArgument, "max_batch_tokens");
  options = {};
  options.kv_cache_bytes = 10'000;
  expect(options, StatusCode::kResourceExhausted, "one context of 256 tokens");
}

TEST_F(EngineTest, EncodersAndMissingModelsAreRefused) {
  const testing::TemporaryDirectory other;
  EngineOptions options;
  options.model_path = other.path();
  EXPECT_THAT(Engine::Create(options, device_), HasCode(StatusCode::kNotFound));
  testing::WriteTinyBert(other.path());
  EXPECT_THAT(Engine::Create(options, device_),
              FailsWith(StatusCode::kInvalidArgument, "have BertModel, which only embeds"));
}

TEST_F(EngineTest, WeightsThatDoNotFitTheConfigurationAreNamed) {
  auto config = nlohmann::json::parse(testing::ReadWholeFile(directory_.path() / "config.json"));
  config["intermediate_size"] = 32;
  testing::WriteFile(directory_.path() / "config.json", config.dump());
  EXPECT_THAT(Create(), FailsWith(StatusCode::kDataLoss,
                                  "tensor model.layers.0.mlp.gate_proj.weight: wanted [32, 16], "
                                  "have [24, 16]"));
}

TEST_F(EngineTest, DamagedWeightsFailTheRequestAlone) {
  testing::TinyWeights weights(1);
  // A final norm of NaN makes every logit NaN.
  std::string bytes = testing::ReadWholeFile(directory_.path() / "model.safetensors");
  const auto file = SafetensorsFile::Open((directory_.path() / "model.safetensors").string());
  ASSERT_THAT(file, IsOk());
  const TensorInfo* norm = (*file)->Find("model.norm.weight");
  ASSERT_NE(norm, nullptr);
  bytes.replace(norm->begin, norm->size_bytes(), norm->size_bytes(), '\xff');
  testing::WriteFile(directory_.path() / "model.safetensors", bytes);
  const auto engine = NewEngine();
  EXPECT_THAT(RunRequest(*engine, LongRequest()).status,
              FailsWith(StatusCode::kDataLoss, "logits"));
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
}

}  // namespace
}  // namespace quire::engine
