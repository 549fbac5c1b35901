#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/engine.h"
#include "tests/support/tiny_engine.h"

// What requests ask of sampling, through the whole engine.

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::Collected;
using testing::FailsWith;
using testing::GreedyRequest;
using testing::IsOk;
using testing::RunRequest;
using testing::RunRequests;

constexpr char kListSchema[] = R"({"type": "object", "properties": {
    "name": {"type": "string", "minLength": 1, "maxLength": 8},
    "values": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 99},
               "minItems": 2, "maxItems": 4},
    "next": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}},
  "required": ["name", "values", "next"]})";

class EngineSamplingTest : public testing::TinyEngineTest {
 protected:
  static constexpr TokenId IdOf(char byte) { return static_cast<unsigned char>(byte) + 3; }
  static Request SampledRequest(std::uint64_t seed, std::int32_t max_new_tokens = 200) {
    Request request = GreedyRequest({1, 70, 71, 72}, max_new_tokens);
    request.sampling = {.temperature = 1.5f, .seed = seed};
    return request;
  }
};

TEST_F(EngineSamplingTest, RegexIsMatchedAsAWhole) {
  const auto engine = NewEngine();
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Request request = SampledRequest(seed);
    request.constraint = RegexConstraint{"[ab]{3}-\xC3\xA9?[0-9]{2}"};
    const Collected result = RunRequest(*engine, request);
    ASSERT_THAT(result.status, IsOk());
    EXPECT_THAT(result.output.text, ::testing::MatchesRegex("[ab][ab][ab]-(\xC3\xA9)?[0-9][0-9]"));
    // Nothing can follow: no end token is sampled.
    EXPECT_EQ(result.output.finish, FinishReason::kStop);
    EXPECT_EQ(result.output.ids.back(), IdOf(result.output.text.back()));
  }
}

TEST_F(EngineSamplingTest, ChoiceEndsAtOnceWhereNothingFollows) {
  const auto engine = NewEngine();
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Request request = SampledRequest(seed);
    request.constraint = ChoiceConstraint{{"red", "reddish", "blue"}};
    const Collected result = RunRequest(*engine, request);
    ASSERT_THAT(result.status, IsOk());
    EXPECT_EQ(result.output.finish, FinishReason::kStop);
    texts.insert(result.output.text);
  }
  EXPECT_GE(texts.size(), 2u);
  for (const std::string& text : texts) {
    EXPECT_THAT(text, ::testing::AnyOf("red", "reddish", "blue"));
  }
}

TEST_F(EngineSamplingTest, SchemaGivesJson) {
  const auto engine = NewEngine();
  int num_complete = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Request request = SampledRequest(seed, 250);
    request.constraint = JsonSchemaConstraint{kListSchema};
    const Collected result = RunRequest(*engine, request);
    ASSERT_THAT(result.status, IsOk());
    if (result.output.finish != FinishReason::kStop) continue;
    ++num_complete;
    const auto json = nlohmann::json::parse(result.output.text, nullptr, false);
    ASSERT_TRUE(json.is_object()) << result.output.text;
    EXPECT_GE(json["values"].size(), 2u);
  }
  EXPECT_GE(num_complete, 5);
}

TEST_F(EngineSamplingTest, EndOfSequenceIsAllowedWhereTheOutputMayEnd) {
  const auto engine = NewEngine();
  Request request = SampledRequest(1);
  request.constraint = RegexConstraint{"a*"};
  request.sampling.logit_bias = {{.id = 2, .bias = 100.0f}};
  request.min_tokens = 7;
  Collected result = RunRequest(*engine, request);
  ASSERT_THAT(result.status, IsOk());
  EXPECT_EQ(result.output.text, "aaaaaaa");
  EXPECT_EQ(result.output.ids.back(), 2);
  EXPECT_EQ(result.output.finish, FinishReason::kStop);
  request.constraint = RegexConstraint{"a{9}"};
  request.min_tokens = 0;
  result = RunRequest(*engine, request);
  EXPECT_EQ(result.output.text, "aaaaaaaaa");
}

TEST_F(EngineSamplingTest, IgnoringTheEndRunsToTheEndOfTheConstraint) {
  const auto engine = NewEngine();
  Request request = SampledRequest(1, 20);
  request.ignore_eos = true;
  request.constraint = RegexConstraint{"a{5,8}"};
  EXPECT_EQ(RunRequest(*engine, request).output.text, "aaaaaaaa");
  request.constraint = RegexConstraint{"a*"};
  const Collected result = RunRequest(*engine, request);
  EXPECT_EQ(result.output.text, std::string(20, 'a'));
  EXPECT_EQ(result.output.finish, FinishReason::kLength);
}

TEST_F(EngineSamplingTest, ConstraintThatCannotBeUsedIsRefusedAtOnce) {
  const auto engine = NewEngine();
  const auto expect = [&](ConstraintSpec constraint, const char* message) {
    Request request = GreedyRequest({1, 70}, 5);
    request.constraint = std::move(constraint);
    EXPECT_THAT(engine->Submit(request), FailsWith(StatusCode::kInvalidArgument, message));
  };
  expect(RegexConstraint{"a(?=b)"}, "constraint.regex: byte 1: ");
  expect(JsonSchemaConstraint{R"({"items": {"not": {}}})"},
         "constraint.json_schema: #/items/not: ");
  expect(ChoiceConstraint{{"a", ""}}, "constraint.choice[1]: ");
  Request request = GreedyRequest({1, 70}, 5);
  request.constraint = RegexConstraint{"a"};
  request.stop_token_ids = {1, IdOf('x')};
  EXPECT_THAT(engine->Submit(request),
              FailsWith(StatusCode::kInvalidArgument, "stop_token_ids[1]: wanted a special token"));
  request.stop_token_ids = {1};
  EXPECT_THAT(RunRequest(*engine, request).status, IsOk());
}

TEST_F(EngineSamplingTest, MinTokensHoldBackEndAndStopTokens) {
  const auto engine = NewEngine();
  Request request = SampledRequest(3, 30);
  request.sampling.logit_bias = {{.id = 2, .bias = 100.0f}, {.id = IdOf('x'), .bias = 50.0f}};
  request.stop_token_ids = {IdOf('x')};
  EXPECT_EQ(RunRequest(*engine, request).output.ids.size(), 1u);
  request.min_tokens = 12;
  Collected result = RunRequest(*engine, request);
  EXPECT_EQ(result.output.ids.size(), 13u);
  EXPECT_EQ(result.output.ids.back(), 2);
  // Who ignores the end still has stop tokens.
  request.ignore_eos = true;
  result = RunRequest(*engine, request);
  EXPECT_EQ(result.output.ids[0], 2);
  request.sampling.logit_bias = {{.id = IdOf('x'), .bias = 100.0f}};
  result = RunRequest(*engine, request);
  EXPECT_EQ(result.output.ids.size(), 13u);
  EXPECT_EQ(result.output.ids.back(), IdOf('x'));
}

TEST_F(EngineSamplingTest, BiasDecides) {
  const auto engine = NewEngine();
  Request request = GreedyRequest({1, 70, 71}, 10);
  request.sampling.logit_bias = {{.id = IdOf('q'), .bias = 100.0f}};
  EXPECT_EQ(RunRequest(*engine, request).output.text, "qqqqqqqqqq");
}

TEST_F(EngineSamplingTest, PenaltiesKeepTokensFromRepeating) {
  const auto engine = NewEngine();
  Request request = GreedyRequest({1, 70, 71}, 40);
  request.ignore_eos = true;
  const auto num_distinct = [&](const SamplingParams& sampling) {
    request.sampling = sampling;
    const std::vector<TokenId> ids = RunRequest(*engine, request).output.ids;
    return std::set(ids.begin(), ids.end()).size();
  };
  const std::size_t without = num_distinct({});
  EXPECT_GT(num_distinct({.repetition_penalty = 10.0f}), without);
  EXPECT_GT(num_distinct({.presence_penalty = 2.0f}), without);
  EXPECT_GT(num_distinct({.frequency_penalty = 2.0f}), without);
}

TEST_F(EngineSamplingTest, LogprobsAreTheModelsOwn) {
  const auto engine = NewEngine();
  Request request = GreedyRequest({1, 70, 71}, 1);
  request.num_logprobs = 5;
  const ScoredToken plain = RunRequest(*engine, request).output.logprobs.at(0);
  request.sampling.logit_bias = {{.id = plain.top[3].id, .bias = 100.0f}};
  request.constraint = RegexConstraint{"[^a]*"};
  const ScoredToken biased = RunRequest(*engine, request).output.logprobs.at(0);
  EXPECT_EQ(biased.token.id, plain.top[3].id);
  EXPECT_EQ(biased.token.logprob, plain.top[3].logprob);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(biased.top[i].logprob, plain.top[i].logprob);
}

TEST_F(EngineSamplingTest, OutputsOfOneRequestHaveTheirOwnState) {
  const auto engine = NewEngine();
  Request request = SampledRequest(5, 60);
  request.num_outputs = 4;
  request.constraint = RegexConstraint{"[a-f]{3}(,[a-f]{3}){3}"};
  request.sampling.frequency_penalty = 2.0f;
  auto stream = engine->Submit(request);
  ASSERT_THAT(stream, IsOk());
  std::vector<std::string> texts(4);
  for (int num_finished = 0; num_finished < 4;) {
    const auto event = (*stream)->Next(std::chrono::seconds(60));
    ASSERT_THAT(event, IsOk());
    ASSERT_TRUE(event->has_value());
    texts[static_cast<std::size_t>((*event)->output)] += (*event)->text;
    if ((*event)->finish) ++num_finished;
  }
  for (const std::string& text : texts) {
    EXPECT_THAT(text, ::testing::MatchesRegex(
                          "[a-f][a-f][a-f],[a-f][a-f][a-f],[a-f][a-f][a-f],[a-f][a-f][a-f]"));
  }
  EXPECT_EQ(std::set(texts.begin(), texts.end()).size(), 4u);
}

// Requests that ask for everything at once, some with guesses ahead.
std::vector<Request> DemandingRequests() {
  std::vector<Request> requests;
  for (std::uint64_t i = 0; i < 12; ++i) {
    Request request = GreedyRequest(std::vector<TokenId>(5 + 7 * i, 70), 60);
    request.sampling = {.temperature = i % 3 == 0 ? 0.0f : 1.2f,
                        .typical_p = i % 2 == 0 ? 0.9f : 1.0f,
                        .repetition_penalty = 1.2f,
                        .presence_penalty = 0.3f,
                        .frequency_penalty = 0.2f};
    request.sampling.logit_bias = {{.id = 80, .bias = 1.5f}};
    request.sampling.seed = i;
    request.min_tokens = static_cast<std::int32_t>(i);
    request.max_draft_tokens = i % 4 == 1 ? 8 : 0;
    if (i % 4 == 1) request.constraint = RegexConstraint{"(ab|ba|abc)*"};
    if (i % 4 == 2) request.constraint = JsonSchemaConstraint{kListSchema};
    if (i % 4 == 3) request.constraint = JsonSchemaConstraint{R"({"type": "object"})"};
    requests.push_back(std::move(request));
  }
  return requests;
}

TEST_F(EngineSamplingTest, OutputsDependOnTheRequestAlone) {
  std::vector<Request> requests = DemandingRequests();
  std::vector<Collected> alone;
  {
    const auto engine = NewEngine();
    for (const Request& request : requests) alone.push_back(RunRequest(*engine, request));
  }
  const auto expect_same = [&](const std::vector<Collected>& results) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      ASSERT_THAT(results[i].status, IsOk());
      EXPECT_EQ(results[i].output.ids, alone[i].output.ids) << "request " << i;
      EXPECT_EQ(results[i].output.text, alone[i].output.text) << "request " << i;
      EXPECT_EQ(results[i].output.finish, alone[i].output.finish) << "request " << i;
    }
  };
  expect_same(RunRequests(*NewEngine(), requests));
  // Preempted: little more than one context of 256 tokens of 2 layers x 2 x 8 floats.
  EngineOptions tight;
  tight.kv_cache_bytes = std::int64_t{288} * 2 * 2 * 8 * 4;
  tight.block_size = 4;
  const auto engine = NewEngine(tight);
  device_.Pause();  // until all are there
  std::thread resume([&] {
    Eventually([&] { return engine->load().num_waiting >= static_cast<int>(requests.size()) / 2; });
    device_.Resume();
  });
  expect_same(RunRequests(*engine, requests));
  resume.join();
  EXPECT_GT(engine->load().num_preemptions, 0);
  // Guesses ahead change nothing, nor does leaving them out.
  for (Request& request : requests) request.max_draft_tokens = 8 - request.max_draft_tokens;
  expect_same(RunRequests(*NewEngine(), requests));
  // Nor does asking for log-probabilities: then tokens are chosen by the host.
  for (Request& request : requests) request.num_logprobs = 0;
  expect_same(RunRequests(*NewEngine(), requests));
}

}  // namespace
}  // namespace quire::engine
