#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <random>
#include <thread>

#include "engine/engine.h"
#include "tests/support/tiny_engine.h"

// The engine with many requests at once: shares, groups, slow readers, full queues, guesses.

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

class EngineLoadTest : public testing::TinyEngineTest {};

// All events of a request, by output.
std::vector<OutputEvent> CollectOutputs(OutputStream& stream, std::int32_t num_outputs) {
  std::vector<OutputEvent> outputs(static_cast<std::size_t>(num_outputs));
  for (std::int32_t num_unfinished = num_outputs; num_unfinished > 0;) {
    const auto next = stream.Next(milliseconds(200));
    if (!next.ok()) {
      ADD_FAILURE() << next.status().ToString();
      return outputs;
    }
    if (!next->has_value()) continue;
    const OutputEvent& event = **next;
    OutputEvent& output = outputs.at(static_cast<std::size_t>(event.output));
    output.ids.insert(output.ids.end(), event.ids.begin(), event.ids.end());
    output.text += event.text;
    output.usage = event.usage;
    if (event.finish) --num_unfinished;
  }
  return outputs;
}

TEST_F(EngineLoadTest, OutputsOfOnePromptDifferAndShareItsBlocks) {
  const auto engine = NewEngine();
  Request request = GreedyRequest(std::vector<TokenId>(100, 70), 40);
  request.ignore_eos = true;
  request.sampling = {.temperature = 1.0f, .seed = 3};
  const Collected single = RunRequest(*NewEngine(), request);
  request.num_outputs = 4;
  const auto stream = engine->Submit(request);
  ASSERT_THAT(stream, IsOk());
  const std::vector<OutputEvent> outputs = CollectOutputs(**stream, 4);
  EXPECT_EQ(outputs[0].ids, single.output.ids);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(outputs[i].ids.size(), 40u);
    EXPECT_EQ(outputs[i].usage.cached_tokens, i == 0 ? 0 : 96);
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(outputs[i].ids, outputs[j].ids);
  }
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
}

TEST_F(EngineLoadTest, AGroupEndsTogether) {
  const auto engine = NewEngine();
  device_.Pause();
  std::vector<std::unique_ptr<OutputStream>> streams;
  for (const char* group : {"g", "g", "h"}) {
    Request request = LongRequest();
    request.scheduling.group = group;
    auto stream = engine->Submit(request);
    ASSERT_THAT(stream, IsOk());
    streams.push_back(*std::move(stream));
  }
  engine->CancelGroup("somebody else", "g");
  engine->CancelGroup("", "g");
  device_.Resume();
  EXPECT_THAT(Collect(*streams[0]).status, FailsWith(StatusCode::kCancelled, "group g"));
  EXPECT_THAT(Collect(*streams[1]).status, FailsWith(StatusCode::kCancelled, "group g"));
  EXPECT_THAT(Collect(*streams[2]).status, IsOk());
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
}

TEST_F(EngineLoadTest, AGroupHasTheEarliestDeadlineOfItsMembers) {
  const auto engine = NewEngine();
  device_.Pause();
  Request late = LongRequest();
  late.scheduling.group = "g";
  Request early = late;
  early.deadline = std::chrono::steady_clock::now() + milliseconds(30);
  const auto first = engine->Submit(late);
  const auto second = engine->Submit(early);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  std::this_thread::sleep_until(*early.deadline);
  device_.Resume();
  EXPECT_THAT(Collect(**first).status, HasCode(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Collect(**second).status, HasCode(StatusCode::kDeadlineExceeded));
}

TEST_F(EngineLoadTest, AReaderThatTakesNothingLeavesTheBatchThenTheBlocks) {
  EngineOptions options;
  options.slow_readers = {.max_unread_tokens = 20,
                          .preempt_after = milliseconds(50),
                          .cancel_after = std::chrono::hours(1)};
  const auto engine = NewEngine(options);
  const auto slow = engine->Submit(LongRequest());
  ASSERT_THAT(slow, IsOk());
  // Others go on meanwhile.
  EXPECT_THAT(RunRequest(*engine, LongRequest()).status, IsOk());
  EXPECT_TRUE(Eventually([&] { return engine->load().num_waiting == 1; }));
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
  EXPECT_EQ(engine->load().num_preemptions, 1);
}

TEST_F(EngineLoadTest, AReaderThatGoesOnTakingNothingLeavesTheEngine) {
  EngineOptions options;
  options.slow_readers = {.max_unread_tokens = 20,
                          .preempt_after = milliseconds(50),
                          .cancel_after = milliseconds(200)};
  const auto engine = NewEngine(options);
  const auto slow = engine->Submit(LongRequest());
  ASSERT_THAT(slow, IsOk());
  EXPECT_TRUE(Eventually([&] { return engine->load().num_preemptions == 1; }));
  EXPECT_TRUE(Eventually([&] { return engine->load().num_waiting == 0; }));
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
  const Collected result = Collect(**slow);
  EXPECT_THAT(result.status, FailsWith(StatusCode::kCancelled, "reader: took nothing"));
  // What was computed before is not lost, nor a step that had begun.
  EXPECT_EQ(result.output.ids.size(), device_.is_asynchronous() ? 22u : 21u);
}

TEST_F(EngineLoadTest, AReaderThatComesBackGetsTheSameOutput) {
  EngineOptions options;
  options.slow_readers = {.max_unread_tokens = 20,
                          .preempt_after = milliseconds(20),
                          .cancel_after = std::chrono::minutes(10)};
  const auto engine = NewEngine(options);
  const Collected fast = RunRequest(*NewEngine(), LongRequest());
  const auto slow = engine->Submit(LongRequest());
  ASSERT_THAT(slow, IsOk());
  EXPECT_TRUE(Eventually([&] { return engine->load().num_preemptions == 1; }));
  EXPECT_EQ(Collect(**slow).output.ids, fast.output.ids);
}

TEST_F(EngineLoadTest, QueuedTokensAreBounded) {
  EngineOptions options;
  options.max_sequences = 1;
  options.max_queued_tokens = 1'000;
  const auto engine = NewEngine(options);
  device_.Pause();
  std::vector<std::unique_ptr<OutputStream>> streams;
  Status refused;
  for (int i = 0; i < 10 && refused.ok(); ++i) {
    auto stream = engine->Submit(GreedyRequest(std::vector<TokenId>(200, 70), 1));
    refused = stream.status();
    if (stream.ok()) streams.push_back(*std::move(stream));
  }
  EXPECT_THAT(refused, FailsWith(StatusCode::kResourceExhausted, "prompt tokens at once"));
  EXPECT_GE(streams.size(), 5u);
  device_.Resume();
}

TEST_F(EngineLoadTest, ADeadlineThatTheQueueWillMissIsRefusedAtOnce) {
  EngineOptions options;
  options.max_sequences = 1;
  options.prefix_cache = false;
  const auto engine = NewEngine(options);
  const Request prompt = GreedyRequest(std::vector<TokenId>(200, 70), 1);
  for (int i = 0; i < 3; ++i) ASSERT_THAT(RunRequest(*engine, prompt).status, IsOk());
  EXPECT_GT(engine->load().prompt_tokens_per_s, 0.0);
  device_.Pause();
  std::vector<std::unique_ptr<OutputStream>> streams;
  for (int i = 0; i < 200; ++i) {
    auto stream = engine->Submit(prompt);
    ASSERT_THAT(stream, IsOk());
    streams.push_back(*std::move(stream));
  }
  device_.Resume();
  ASSERT_TRUE(Eventually([&] { return engine->load().num_waiting > 100; }));
  Request hasty = prompt;
  hasty.deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(100);
  EXPECT_THAT(engine->Submit(hasty), FailsWith(StatusCode::kResourceExhausted, "first token"));
  hasty.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  EXPECT_THAT(engine->Submit(hasty), IsOk());
}

TEST_F(EngineLoadTest, GuessesChangeTheTimeAndNotTheOutput) {
  const auto engine = NewEngine();
  std::int32_t num_accepted = 0;
  for (TokenId first = 3; first < 43; ++first) {
    Request request = GreedyRequest({1, first, 71}, 120);
    request.ignore_eos = true;
    request.num_logprobs = 1;
    if (first % 2 == 0) request.sampling = {.temperature = 0.3f, .seed = 11};
    const Collected plain = RunRequest(*engine, request);
    request.max_draft_tokens = 8;
    const Collected guessed = RunRequest(*engine, request);
    ASSERT_EQ(guessed.output.ids, plain.output.ids);
    ASSERT_EQ(guessed.output.text, plain.output.text);
    for (std::size_t i = 0; i < plain.output.ids.size(); ++i) {
      ASSERT_EQ(guessed.output.logprobs[i].token.logprob, plain.output.logprobs[i].token.logprob);
    }
    EXPECT_GE(guessed.output.usage.draft_tokens, guessed.output.usage.accepted_draft_tokens);
    num_accepted += guessed.output.usage.accepted_draft_tokens;
  }
  EXPECT_GT(num_accepted, 0);
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
}

TEST_F(EngineLoadTest, AThousandRequestsOverSixtyFourBlocksFinishAsIfAlone) {
  EngineOptions options;
  options.max_queued_requests = 1'000;
  options.max_sequences = 48;
  options.max_batch_tokens = 64;
  // 2 layers x 2 x 1 head x 8 elements x 4 bytes a token.
  options.kv_cache_bytes = std::int64_t{64} * 16 * 2 * 2 * 8 * 4;
  const auto engine = NewEngine(options);
  ASSERT_EQ(engine->load().num_blocks, 64);
  const auto alone = NewEngine();
  std::mt19937 random(7);
  const auto draw = [&](int min, int max) {
    return std::uniform_int_distribution<int>(min, max)(random);
  };
  std::vector<Request> requests;
  for (int i = 0; i < 1'000; ++i) {
    std::vector<TokenId> prompt(static_cast<std::size_t>(draw(1, 60)), 70);
    prompt.back() = draw(3, 258);
    requests.push_back(GreedyRequest(std::move(prompt), draw(1, 150)));
    requests.back().ignore_eos = true;
    requests.back().scheduling.client = std::string(1, static_cast<char>('a' + i % 5));
    requests.back().scheduling.priority = static_cast<Priority>(draw(0, 2));
  }
  const std::vector<Collected> results = RunRequests(*engine, requests);
  EXPECT_GT(engine->load().num_preemptions, 0);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    ASSERT_THAT(results[i].status, IsOk());
    if (i % 10 == 0) {
      ASSERT_EQ(results[i].output.ids, RunRequest(*alone, requests[i]).output.ids) << i;
    }
  }
  EXPECT_EQ(engine->load().num_free_blocks, 64);
}

std::size_t CountEntries(const char* directory) {
  const std::filesystem::directory_iterator entries(directory);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST_F(EngineLoadTest, TenThousandCancelledStreamsLeaveNothingBehind) {
  EngineOptions options;
  options.max_queued_requests = 100;
  const auto engine = NewEngine(options);
  ASSERT_THAT(RunRequest(*engine, LongRequest(8)).status, IsOk());
  const std::size_t num_threads = CountEntries("/proc/self/task");
  const std::size_t num_descriptors = CountEntries("/proc/self/fd");
  std::mt19937 random(13);
  const auto draw = [&](int min, int max) {
    return std::uniform_int_distribution<int>(min, max)(random);
  };
  std::deque<std::unique_ptr<OutputStream>> streams;
  for (int i = 0; i < 10'000; ++i) {
    Request request = GreedyRequest(
        std::vector<TokenId>(static_cast<std::size_t>(draw(1, 40)), draw(3, 258)), draw(1, 200));
    request.max_draft_tokens = draw(0, 4);
    request.num_outputs = draw(1, 10) == 1 ? 2 : 1;
    request.scheduling.group = draw(0, 3) == 0 ? "group" : "";
    auto stream = engine->Submit(std::move(request));
    if (!stream.ok()) {
      ASSERT_THAT(stream, HasCode(StatusCode::kResourceExhausted));
    } else {
      streams.push_back(*std::move(stream));
    }
    if (draw(0, 99) == 0) engine->CancelGroup("", "group");
    // Some read a little first; every one is dropped at some step of its life.
    if (!streams.empty() && draw(0, 3) == 0) {
      (void)streams.back()->Next(std::chrono::milliseconds(draw(0, 1)));
    }
    while (streams.size() > static_cast<std::size_t>(draw(0, 90))) streams.pop_front();
  }
  streams.clear();
  ASSERT_TRUE(Eventually([&] {
    const EngineLoad load = engine->load();
    return load.num_running + load.num_waiting == 0;
  }));
  EXPECT_EQ(engine->load().num_free_blocks, engine->load().num_blocks);
  EXPECT_EQ(CountEntries("/proc/self/task"), num_threads);
  EXPECT_EQ(CountEntries("/proc/self/fd"), num_descriptors);
}

TEST_F(EngineLoadTest, RequestsThatCanNeverRunAreRefused) {
  const auto engine = NewEngine();
  const auto expect = [&](const Request& request, const char* field) {
    EXPECT_THAT(engine->Submit(request), FailsWith(StatusCode::kInvalidArgument, field));
  };
  Request request = LongRequest();
  request.num_outputs = 0;
  expect(request, "num_outputs");
  request.num_outputs = 65;
  expect(request, "num_outputs");
  request = LongRequest();
  request.max_draft_tokens = -1;
  expect(request, "max_draft_tokens");
  request.max_draft_tokens = 17;
  expect(request, "max_draft_tokens");
  request = LongRequest();
  request.scheduling.client.assign(257, 'x');
  expect(request, "client");
  request = LongRequest();
  request.scheduling.group.assign(257, 'x');
  expect(request, "group");
  request = LongRequest();
  request.scheduling.cache_salt.assign(257, 'x');
  expect(request, "cache_salt");
}

}  // namespace
}  // namespace quire::engine
