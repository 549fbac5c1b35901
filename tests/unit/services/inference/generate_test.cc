#include <gtest/gtest.h>

#include <limits>

#include "services/inference/handlers.h"
#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/inference/fakes.h"

namespace quire::services {
namespace {

using inference::v1::GenerateRequest;
using inference::v1::GenerateResponse;
using inference::v1::StreamGenerateResponse;
using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;

// Two events: "ab" (ids 97, 98), then "c" (99) with the end at a stop string.
std::deque<engine::OutputEvent> TwoEvents() {
  engine::OutputEvent first = testing::TextEvent("ab", {97, 98});
  first.logprobs = {{{97, -0.5f}, {{97, -0.5f}, {5, -1.0f}}}, {{98, -0.25f}, {}}};
  engine::OutputEvent last = testing::TextEvent("c", {99});
  last.finish = engine::FinishReason::kStopString;
  last.stop_match = "END";
  last.usage = {.prompt_tokens = 5,
                .cached_tokens = 2,
                .completion_tokens = 3,
                .queue_time = std::chrono::microseconds(1500),
                .prefill_time = std::chrono::milliseconds(2),
                .decode_time = std::chrono::milliseconds(3)};
  return {first, last};
}

class GenerateTest : public ::testing::Test {
 protected:
  GenerateTest() { script_.events = TwoEvents(); }

  Status Run(const GenerateRequest& request) {
    return Generate(call_, models_, request, response_);
  }
  static GenerateRequest TextRequest(const std::string& text) {
    GenerateRequest request;
    request.set_text(text);
    return request;
  }
  const engine::Request& submitted() const { return script_.requests.back(); }

  testing::EngineScript script_;
  const ModelRegistry models_ = testing::MakeRegistry(script_);
  InferenceCall call_ = testing::MakeCall();
  GenerateResponse response_;
};

TEST_F(GenerateTest, GathersEventsIntoOneResponse) {
  ASSERT_THAT(Run(TextRequest("Once")), IsOk());
  EXPECT_EQ(response_.text(), "abc");
  EXPECT_THAT(response_.token_ids(), ElementsAre(97, 98, 99));
  ASSERT_EQ(response_.logprobs_size(), 2);
  EXPECT_FLOAT_EQ(response_.logprobs(0).top(1).logprob(), -1.0f);
  EXPECT_EQ(response_.finish_reason(), inference::v1::FINISH_REASON_STOP_STRING);
  EXPECT_EQ(response_.stop_match(), "END");
  EXPECT_EQ(response_.usage().prompt_tokens(), 5);
  EXPECT_EQ(response_.usage().cached_tokens(), 2);
  EXPECT_EQ(response_.usage().completion_tokens(), 3);
  EXPECT_DOUBLE_EQ(response_.usage().queue_ms(), 1.5);
  EXPECT_EQ(script_.num_live_streams, 0);
}

TEST_F(GenerateTest, SeveralOutputsAreKeptApartAndCountThePromptOnce) {
  script_.events = TwoEvents();
  for (engine::OutputEvent event : TwoEvents()) {
    event.output = 2;
    event.usage.cached_tokens = 4;
    script_.events.push_front(event);
  }
  std::swap(script_.events[0], script_.events[1]);
  engine::OutputEvent second = testing::TextEvent("z", {122});
  second.output = 1;
  second.finish = engine::FinishReason::kLength;
  second.usage = {.prompt_tokens = 5,
                  .cached_tokens = 4,
                  .prefix_miss = {},
                  .completion_tokens = 1,
                  .draft_tokens = 3,
                  .accepted_draft_tokens = 2};
  script_.events.push_back(second);
  GenerateRequest request = TextRequest("Once");
  request.mutable_options()->set_num_outputs(3);
  ASSERT_THAT(Run(request), IsOk());
  EXPECT_EQ(submitted().num_outputs, 3);
  EXPECT_EQ(response_.text(), "abc");
  ASSERT_EQ(response_.more_outputs_size(), 2);
  EXPECT_EQ(response_.more_outputs(0).text(), "z");
  EXPECT_EQ(response_.more_outputs(0).finish_reason(), inference::v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(response_.more_outputs(1).text(), "abc");
  EXPECT_THAT(response_.more_outputs(1).token_ids(), ElementsAre(97, 98, 99));
  EXPECT_EQ(response_.more_outputs(1).logprobs_size(), 2);
  EXPECT_EQ(response_.usage().prompt_tokens(), 5);
  EXPECT_EQ(response_.usage().cached_tokens(), 2);
  EXPECT_EQ(response_.usage().completion_tokens(), 7);
  EXPECT_EQ(response_.usage().draft_tokens(), 3);
  EXPECT_EQ(response_.usage().accepted_draft_tokens(), 2);
}

TEST_F(GenerateTest, SchedulingReachesTheEngine) {
  GenerateRequest request = TextRequest("Once");
  ASSERT_THAT(Run(request), IsOk());
  EXPECT_EQ(submitted().scheduling.client, call_.peer);
  EXPECT_EQ(submitted().scheduling.priority, engine::Priority::kNormal);
  EXPECT_EQ(submitted().max_draft_tokens, 0);
  script_.events = TwoEvents();
  auto& scheduling = *request.mutable_scheduling();
  scheduling.set_client_id("team");
  scheduling.set_group_id("map");
  scheduling.set_cache_salt("pepper");
  scheduling.set_priority(inference::v1::PRIORITY_BATCH);
  request.set_prompt_lookup_tokens(6);
  ASSERT_THAT(Run(request), IsOk());
  EXPECT_EQ(submitted().scheduling.client, "team");
  EXPECT_EQ(submitted().scheduling.group, "map");
  EXPECT_EQ(submitted().scheduling.cache_salt, "pepper");
  EXPECT_EQ(submitted().scheduling.priority, engine::Priority::kBatch);
  EXPECT_EQ(submitted().max_draft_tokens, 6);
}

TEST_F(GenerateTest, AFullQueueSaysWhenToTryAgain) {
  script_.submit_status = ResourceExhausted("queue: full");
  script_.load.expected_wait = std::chrono::seconds(7);
  const Status status = Run(TextRequest("Once"));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryDelay(status), std::chrono::seconds(7));
}

TEST_F(GenerateTest, TheReasonOfACacheMissIsTold) {
  script_.events.back().usage.prefix_miss = {.miss = engine::PrefixMiss::kDiffers,
                                             .differs_at = 37};
  ASSERT_THAT(Run(TextRequest("Once")), IsOk());
  EXPECT_EQ(response_.usage().prefix_miss(), inference::v1::PREFIX_MISS_DIFFERS);
  EXPECT_EQ(response_.usage().prefix_differs_at(), 37);
}

TEST_F(GenerateTest, GroupsAreCancelledByClientAndName) {
  inference::v1::CancelGroupRequest request;
  EXPECT_THAT(CancelGroup(call_, models_, request), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_group_id("map");
  ASSERT_THAT(CancelGroup(call_, models_, request), IsOk());
  request.set_client_id("team");
  ASSERT_THAT(CancelGroup(call_, models_, request), IsOk());
  EXPECT_EQ(script_.cancelled_groups, (std::vector<std::pair<std::string, std::string>>{
                                          {call_.peer, "map"}, {"team", "map"}}));
}

TEST_F(GenerateTest, TextOpensWithBosAndHoldsNoSpecialTokens) {
  ASSERT_THAT(Run(TextRequest("a<s>")), IsOk());
  EXPECT_THAT(submitted().prompt, ElementsAre(256, 'a', '<', 's', '>'));
}

TEST_F(GenerateTest, TokenIdsAreUsedAsTheyAre) {
  GenerateRequest request;
  request.mutable_token_ids()->add_ids(257);
  request.mutable_token_ids()->add_ids(0);
  ASSERT_THAT(Run(request), IsOk());
  EXPECT_THAT(submitted().prompt, ElementsAre(257, 0));
  request.mutable_token_ids()->add_ids(258);
  EXPECT_THAT(Run(request), FailsWith(absl::StatusCode::kInvalidArgument, "token_ids.ids[2]"));
}

TEST_F(GenerateTest, UnsetParametersTakeTheModelsDefaultsAndARandomSeed) {
  ASSERT_THAT(Run(TextRequest("Once")), IsOk());
  EXPECT_FLOAT_EQ(submitted().sampling.temperature, 0.5f);
  EXPECT_EQ(submitted().sampling.top_k, 40);
  EXPECT_EQ(submitted().sampling.seed, 77u);
  EXPECT_EQ(submitted().num_logprobs, std::nullopt);
  EXPECT_FALSE(submitted().ignore_eos);
}

TEST_F(GenerateTest, SetParametersWin) {
  GenerateRequest request = TextRequest("Once");
  request.mutable_sampling()->set_temperature(0.0f);
  request.mutable_sampling()->set_top_k(0);
  request.mutable_sampling()->set_top_p(0.9f);
  request.mutable_sampling()->set_min_p(0.1f);
  request.mutable_sampling()->set_seed(5);
  request.mutable_stopping()->set_max_tokens(7);
  request.mutable_stopping()->add_stop("END");
  request.mutable_stopping()->set_ignore_eos(true);
  request.mutable_options()->set_logprobs(2);
  ASSERT_THAT(Run(request), IsOk());
  EXPECT_FLOAT_EQ(submitted().sampling.temperature, 0.0f);
  EXPECT_EQ(submitted().sampling.top_k, 0);
  EXPECT_FLOAT_EQ(submitted().sampling.top_p, 0.9f);
  EXPECT_FLOAT_EQ(submitted().sampling.min_p, 0.1f);
  EXPECT_EQ(submitted().sampling.seed, 5u);
  EXPECT_EQ(submitted().max_new_tokens, 7);
  EXPECT_THAT(submitted().stop, ElementsAre("END"));
  EXPECT_TRUE(submitted().ignore_eos);
  EXPECT_EQ(submitted().num_logprobs, 2);
}

TEST_F(GenerateTest, PenaltiesAndConstraintsReachTheEngine) {
  GenerateRequest request = TextRequest("Once");
  auto* sampling = request.mutable_sampling();
  sampling->set_typical_p(0.8f);
  sampling->set_repetition_penalty(1.1f);
  sampling->set_presence_penalty(0.5f);
  sampling->set_frequency_penalty(-0.5f);
  (*sampling->mutable_logit_bias())[65] = 2.5f;
  request.mutable_stopping()->set_max_tokens(10);
  request.mutable_stopping()->set_min_tokens(10);
  request.mutable_stopping()->add_stop_token_ids(257);
  request.mutable_constraint()->mutable_choice()->add_choices("a");
  ASSERT_THAT(Run(request), IsOk());
  EXPECT_EQ(submitted().sampling.typical_p, 0.8f);
  EXPECT_EQ(submitted().sampling.repetition_penalty, 1.1f);
  EXPECT_EQ(submitted().sampling.presence_penalty, 0.5f);
  EXPECT_EQ(submitted().sampling.frequency_penalty, -0.5f);
  ASSERT_EQ(submitted().sampling.logit_bias.size(), 1u);
  EXPECT_EQ(submitted().sampling.logit_bias[0].id, 65);
  EXPECT_EQ(submitted().sampling.logit_bias[0].bias, 2.5f);
  EXPECT_EQ(submitted().min_tokens, 10);
  EXPECT_THAT(submitted().stop_token_ids, ElementsAre(257));
  EXPECT_THAT(std::get<engine::ChoiceConstraint>(submitted().constraint).choices, ElementsAre("a"));
  script_.events = TwoEvents();
  request.mutable_constraint()->set_regex("x+");
  ASSERT_THAT(Run(request), IsOk());
  EXPECT_EQ(std::get<engine::RegexConstraint>(submitted().constraint).pattern, "x+");
  script_.events = TwoEvents();
  request.mutable_constraint()->set_json_schema("{}");
  ASSERT_THAT(Run(request), IsOk());
  EXPECT_EQ(std::get<engine::JsonSchemaConstraint>(submitted().constraint).schema, "{}");
}

TEST_F(GenerateTest, ParametersThatDoNotFitTheModelAreNamed) {
  const auto expect = [&](const GenerateRequest& request, const std::string& field) {
    const Status status = Run(request);
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
    ASSERT_FALSE(FieldViolations(status).empty());
    EXPECT_EQ(FieldViolations(status).front().field, field);
  };
  for (const std::int32_t id : {-1, 258}) {
    GenerateRequest request = TextRequest("Once");
    (*request.mutable_sampling()->mutable_logit_bias())[id] = 1.0f;
    expect(request, "sampling.logit_bias[" + std::to_string(id) + "]");
    request = TextRequest("Once");
    request.mutable_stopping()->add_stop_token_ids(1);
    request.mutable_stopping()->add_stop_token_ids(id);
    expect(request, "stopping.stop_token_ids[1]");
  }
  GenerateRequest request = TextRequest("Once");
  request.mutable_stopping()->set_max_tokens(10);
  request.mutable_stopping()->set_min_tokens(11);
  expect(request, "stopping.min_tokens");
}

TEST_F(GenerateTest, ConstraintsThatTheEngineRefusesNameTheirField) {
  const auto field_of = [&](const char* message) {
    script_.submit_status = InvalidArgument("{}", message);
    const auto violations = FieldViolations(Run(TextRequest("Once")));
    return violations.empty() ? "" : violations.front().field;
  };
  EXPECT_EQ(field_of("constraint.regex: byte 5: a"), "constraint.regex");
  EXPECT_EQ(field_of("constraint.json_schema: #/not: a"), "constraint.json_schema");
  EXPECT_EQ(field_of("constraint.choice[3]: a"), "constraint.choice.choices[3]");
  EXPECT_EQ(field_of("stop_token_ids[1]: a"), "stopping.stop_token_ids[1]");
  EXPECT_EQ(field_of("something else: a"), "");
}

TEST_F(GenerateTest, OutputFillsWhatThePromptLeavesOfTheContext) {
  ASSERT_THAT(Run(TextRequest(std::string(89, 'x'))), IsOk());  // 90 of 100 with BOS
  EXPECT_EQ(submitted().max_new_tokens, 10);
}

TEST_F(GenerateTest, PromptAndOutputMustFitTheContext) {
  GenerateRequest request = TextRequest(std::string(89, 'x'));
  request.mutable_stopping()->set_max_tokens(11);
  const Status too_many = Run(request);
  EXPECT_THAT(too_many, FailsWith(absl::StatusCode::kInvalidArgument, "stopping.max_tokens"));
  EXPECT_EQ(ErrorReason(too_many), kContextLengthExceeded);
  EXPECT_EQ(ErrorMetadata(too_many, "tokens"), "101");
  EXPECT_EQ(ErrorMetadata(too_many, "limit"), "100");

  const Status too_long = Run(TextRequest(std::string(99, 'x')));
  EXPECT_THAT(too_long, FailsWith(absl::StatusCode::kInvalidArgument, "text"));
  EXPECT_EQ(ErrorMetadata(too_long, "tokens"), "101");
  EXPECT_TRUE(script_.requests.empty());
}

TEST_F(GenerateTest, LargestTokenLimitDoesNotOverflow) {
  GenerateRequest request = TextRequest("x");
  request.mutable_stopping()->set_max_tokens(std::numeric_limits<std::int32_t>::max());
  const Status status = Run(request);
  EXPECT_EQ(ErrorMetadata(status, "tokens"), "2147483649");
}

TEST_F(GenerateTest, FullQueueSaysWhenToTryAgain) {
  script_.submit_status = ResourceExhausted("queue: wanted room, have none");
  const Status status = Run(TextRequest("Once"));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ErrorReason(status), kQueueFull);
  EXPECT_TRUE(RetryDelay(status).has_value());
}

TEST_F(GenerateTest, DeadlineIsTheClientsOrTenMinutes) {
  const auto now = std::chrono::steady_clock::now();
  ASSERT_THAT(Run(TextRequest("Once")), IsOk());
  ASSERT_TRUE(submitted().deadline.has_value());
  EXPECT_GT(*submitted().deadline, now + std::chrono::minutes(9));
  EXPECT_LT(*submitted().deadline, now + std::chrono::minutes(11));
  call_.deadline = now + std::chrono::seconds(5);
  script_.events = TwoEvents();
  ASSERT_THAT(Run(TextRequest("Once")), IsOk());
  EXPECT_EQ(submitted().deadline, call_.deadline);
}

TEST_F(GenerateTest, ErrorsOfTheStreamAreTheErrorsOfTheCall) {
  script_.events.pop_back();
  script_.end_status = DeadlineExceeded("request: out of time");
  EXPECT_THAT(Run(TextRequest("Once")), HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(script_.num_live_streams, 0);
}

TEST_F(GenerateTest, VanishedClientEndsTheRequestThatIsWaiting) {
  script_.events.clear();  // nothing comes, ever
  int polls = 0;
  call_.is_cancelled = [&polls] { return ++polls > 3; };
  EXPECT_THAT(Run(TextRequest("Once")), HasCode(absl::StatusCode::kCancelled));
  EXPECT_EQ(script_.num_live_streams, 0);
}

TEST_F(GenerateTest, StreamSendsStartedDeltasFinishedUsage) {
  std::vector<StreamGenerateResponse> messages;
  ASSERT_THAT(StreamGenerate(call_, models_, TextRequest("Once"),
                             [&](const StreamGenerateResponse& message) {
                               messages.push_back(message);
                               return true;
                             }),
              IsOk());
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[0].started().request_id(), "r1");
  EXPECT_EQ(messages[0].started().model(), "writer");
  EXPECT_EQ(messages[0].started().prompt_tokens(), 5);
  EXPECT_EQ(messages[1].delta().text(), "ab");
  EXPECT_THAT(messages[1].delta().token_ids(), ElementsAre(97, 98));
  EXPECT_EQ(messages[1].delta().logprobs_size(), 2);
  EXPECT_EQ(messages[2].delta().text(), "c");
  EXPECT_EQ(messages[3].finished().reason(), inference::v1::FINISH_REASON_STOP_STRING);
  EXPECT_EQ(messages[3].finished().stop_match(), "END");
  EXPECT_EQ(messages[4].usage().completion_tokens(), 3);
}

TEST_F(GenerateTest, FailedWriteEndsTheStreamAtAnyMessage) {
  for (int num_read = 0; num_read < 5; ++num_read) {
    script_.events = TwoEvents();
    int written = 0;
    EXPECT_THAT(StreamGenerate(call_, models_, TextRequest("Once"),
                               [&](const StreamGenerateResponse&) { return written++ < num_read; }),
                HasCode(absl::StatusCode::kCancelled));
    EXPECT_EQ(written, num_read + 1);
    EXPECT_EQ(script_.num_live_streams, 0);
  }
}

TEST_F(GenerateTest, RefusedRequestsSendNothing) {
  script_.submit_status = ResourceExhausted("queue: wanted room, have none");
  const auto never = [](const StreamGenerateResponse&) {
    ADD_FAILURE() << "a message was sent";
    return true;
  };
  EXPECT_THAT(StreamGenerate(call_, models_, TextRequest("Once"), never),
              HasCode(absl::StatusCode::kResourceExhausted));
  GenerateRequest unknown_model = TextRequest("Once");
  unknown_model.set_model("other");
  EXPECT_THAT(StreamGenerate(call_, models_, unknown_model, never),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace quire::services
