#include "services/inference/validation.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using inference::v1::GenerateRequest;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;

GenerateRequest ValidRequest() {
  GenerateRequest request;
  request.set_text("Once");
  return request;
}

std::vector<std::string> ViolatedFields(const Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolations(status)) fields.push_back(violation.field);
  return fields;
}

struct BadGeneration {
  std::string field;
  std::function<void(GenerateRequest&)> spoil;
};

class BadGenerationTest : public ::testing::TestWithParam<BadGeneration> {};

TEST_P(BadGenerationTest, IsRefusedNamingTheField) {
  GenerateRequest request = ValidRequest();
  GetParam().spoil(request);
  const Status status = Validate(request);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ViolatedFields(status), ElementsAre(GetParam().field));
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

INSTANTIATE_TEST_SUITE_P(
    Fields, BadGenerationTest,
    ::testing::Values(
        BadGeneration{"prompt", [](auto& r) { r.clear_prompt(); }},
        BadGeneration{"text", [](auto& r) { r.set_text(std::string(kMaxTextBytes + 1, 'x')); }},
        BadGeneration{"token_ids.ids", [](auto& r) { r.mutable_token_ids(); }},
        BadGeneration{"options.num_outputs",
                      [](auto& r) { r.mutable_options()->set_num_outputs(0); }},
        BadGeneration{"options.num_outputs",
                      [](auto& r) { r.mutable_options()->set_num_outputs(65); }},
        BadGeneration{"prompt_lookup_tokens", [](auto& r) { r.set_prompt_lookup_tokens(-1); }},
        BadGeneration{"prompt_lookup_tokens", [](auto& r) { r.set_prompt_lookup_tokens(17); }},
        BadGeneration{"scheduling.priority",
                      [](auto& r) {
                        r.mutable_scheduling()->set_priority(
                            static_cast<inference::v1::Priority>(9));
                      }},
        BadGeneration{
            "scheduling.client_id",
            [](auto& r) { r.mutable_scheduling()->set_client_id(std::string(257, 'x')); }},
        BadGeneration{"scheduling.group_id",
                      [](auto& r) { r.mutable_scheduling()->set_group_id(std::string(257, 'x')); }},
        BadGeneration{
            "scheduling.cache_salt",
            [](auto& r) { r.mutable_scheduling()->set_cache_salt(std::string(257, 'x')); }},
        BadGeneration{"sampling.temperature",
                      [](auto& r) { r.mutable_sampling()->set_temperature(kNan); }},
        BadGeneration{"sampling.temperature",
                      [](auto& r) { r.mutable_sampling()->set_temperature(kInfinity); }},
        BadGeneration{"sampling.temperature",
                      [](auto& r) { r.mutable_sampling()->set_temperature(-0.1f); }},
        BadGeneration{"sampling.temperature",
                      [](auto& r) { r.mutable_sampling()->set_temperature(100.1f); }},
        BadGeneration{"sampling.top_k", [](auto& r) { r.mutable_sampling()->set_top_k(-1); }},
        BadGeneration{"sampling.top_p", [](auto& r) { r.mutable_sampling()->set_top_p(0.0f); }},
        BadGeneration{"sampling.top_p", [](auto& r) { r.mutable_sampling()->set_top_p(1.1f); }},
        BadGeneration{"sampling.top_p", [](auto& r) { r.mutable_sampling()->set_top_p(kNan); }},
        BadGeneration{"sampling.min_p", [](auto& r) { r.mutable_sampling()->set_min_p(-0.1f); }},
        BadGeneration{"sampling.min_p", [](auto& r) { r.mutable_sampling()->set_min_p(kNan); }},
        BadGeneration{"sampling.typical_p",
                      [](auto& r) { r.mutable_sampling()->set_typical_p(0.0f); }},
        BadGeneration{"sampling.typical_p",
                      [](auto& r) { r.mutable_sampling()->set_typical_p(kNan); }},
        BadGeneration{"sampling.repetition_penalty",
                      [](auto& r) { r.mutable_sampling()->set_repetition_penalty(0.0f); }},
        BadGeneration{"sampling.repetition_penalty",
                      [](auto& r) { r.mutable_sampling()->set_repetition_penalty(10.1f); }},
        BadGeneration{"sampling.repetition_penalty",
                      [](auto& r) { r.mutable_sampling()->set_repetition_penalty(kNan); }},
        BadGeneration{"sampling.presence_penalty",
                      [](auto& r) { r.mutable_sampling()->set_presence_penalty(2.1f); }},
        BadGeneration{"sampling.presence_penalty",
                      [](auto& r) { r.mutable_sampling()->set_presence_penalty(-kInfinity); }},
        BadGeneration{"sampling.frequency_penalty",
                      [](auto& r) { r.mutable_sampling()->set_frequency_penalty(-2.1f); }},
        BadGeneration{"sampling.frequency_penalty",
                      [](auto& r) { r.mutable_sampling()->set_frequency_penalty(kNan); }},
        BadGeneration{"sampling.logit_bias[7]",
                      [](auto& r) { (*r.mutable_sampling()->mutable_logit_bias())[7] = 100.5f; }},
        BadGeneration{"sampling.logit_bias[7]",
                      [](auto& r) { (*r.mutable_sampling()->mutable_logit_bias())[7] = kNan; }},
        BadGeneration{"sampling.logit_bias",
                      [](auto& r) {
                        for (int id = 0; id < 257; ++id) {
                          (*r.mutable_sampling()->mutable_logit_bias())[id] = kNan;
                        }
                      }},
        BadGeneration{"stopping.min_tokens",
                      [](auto& r) { r.mutable_stopping()->set_min_tokens(-1); }},
        BadGeneration{"stopping.stop_token_ids",
                      [](auto& r) {
                        for (int i = 0; i < 257; ++i) r.mutable_stopping()->add_stop_token_ids(i);
                      }},
        BadGeneration{"constraint", [](auto& r) { r.mutable_constraint(); }},
        BadGeneration{"constraint.regex",
                      [](auto& r) { r.mutable_constraint()->set_regex(std::string(8193, 'a')); }},
        BadGeneration{
            "constraint.json_schema",
            [](auto& r) { r.mutable_constraint()->set_json_schema(std::string(65537, ' ')); }},
        BadGeneration{"constraint.choice.choices",
                      [](auto& r) { r.mutable_constraint()->mutable_choice(); }},
        BadGeneration{"constraint.choice.choices",
                      [](auto& r) {
                        auto* choice = r.mutable_constraint()->mutable_choice();
                        for (int i = 0; i < 1025; ++i) choice->add_choices("x");
                      }},
        BadGeneration{"constraint.choice.choices",
                      [](auto& r) {
                        auto* choice = r.mutable_constraint()->mutable_choice();
                        choice->add_choices(std::string(65537, 'x'));
                      }},
        BadGeneration{"stopping.max_tokens",
                      [](auto& r) { r.mutable_stopping()->set_max_tokens(0); }},
        BadGeneration{"stopping.max_tokens",
                      [](auto& r) { r.mutable_stopping()->set_max_tokens(-5); }},
        BadGeneration{"stopping.stop",
                      [](auto& r) {
                        for (int i = 0; i < 17; ++i) r.mutable_stopping()->add_stop("x");
                      }},
        BadGeneration{"stopping.stop[1]",
                      [](auto& r) {
                        r.mutable_stopping()->add_stop("x");
                        r.mutable_stopping()->add_stop("");
                      }},
        BadGeneration{"stopping.stop[0]",
                      [](auto& r) { r.mutable_stopping()->add_stop(std::string(257, 'x')); }},
        BadGeneration{"options.logprobs", [](auto& r) { r.mutable_options()->set_logprobs(21); }},
        BadGeneration{"options.logprobs", [](auto& r) { r.mutable_options()->set_logprobs(-1); }}));

TEST(ValidationTest, EveryBadFieldIsNamed) {
  GenerateRequest request = ValidRequest();
  request.mutable_sampling()->set_temperature(kNan);
  request.mutable_stopping()->set_max_tokens(0);
  request.mutable_options()->set_logprobs(99);
  EXPECT_THAT(ViolatedFields(Validate(request)),
              ElementsAre("sampling.temperature", "stopping.max_tokens", "options.logprobs"));
}

TEST(ValidationTest, LimitsThemselvesAreAccepted) {
  GenerateRequest request = ValidRequest();
  request.mutable_sampling()->set_temperature(100.0f);
  request.mutable_sampling()->set_top_k(0);
  request.mutable_sampling()->set_top_p(1.0f);
  request.mutable_sampling()->set_min_p(1.0f);
  request.mutable_stopping()->set_max_tokens(std::numeric_limits<std::int32_t>::max());
  for (int i = 0; i < 16; ++i) request.mutable_stopping()->add_stop(std::string(256, 'x'));
  request.mutable_options()->set_logprobs(20);
  request.mutable_sampling()->set_typical_p(1.0f);
  request.mutable_sampling()->set_repetition_penalty(10.0f);
  request.mutable_sampling()->set_presence_penalty(-2.0f);
  request.mutable_sampling()->set_frequency_penalty(2.0f);
  for (int id = 0; id < 256; ++id)
    (*request.mutable_sampling()->mutable_logit_bias())[id] = -100.0f;
  for (int i = 0; i < 256; ++i) request.mutable_stopping()->add_stop_token_ids(i);
  request.mutable_constraint()->set_regex(std::string(8192, 'a'));
  EXPECT_THAT(Validate(request), IsOk());
  request.mutable_constraint()->set_json_schema(std::string(65536, ' '));
  EXPECT_THAT(Validate(request), IsOk());
}

TEST(ValidationTest, ChatNeedsMessagesOfKnownRoles) {
  inference::v1::ChatRequest request;
  EXPECT_THAT(ViolatedFields(Validate(request)), ElementsAre("messages"));
  request.add_messages()->set_role("user");
  EXPECT_THAT(Validate(request), IsOk());
  request.add_messages()->set_role("robot");
  EXPECT_THAT(ViolatedFields(Validate(request)), ElementsAre("messages[1].role"));
  request.mutable_messages(1)->set_role("");
  EXPECT_THAT(ViolatedFields(Validate(request)), ElementsAre("messages[1].role"));
  request.mutable_messages(1)->set_role("assistant");
  request.mutable_messages(0)->set_content(std::string(kMaxTextBytes, 'x'));
  request.mutable_messages(1)->set_content("x");
  EXPECT_THAT(ViolatedFields(Validate(request)), ElementsAre("messages"));
}

TEST(ValidationTest, TooManyMessagesAreOneViolation) {
  inference::v1::RenderPromptRequest request;
  for (int i = 0; i <= kMaxMessages; ++i) request.add_messages();
  EXPECT_THAT(ViolatedFields(Validate(request)), ElementsAre("messages"));
}

TEST(ValidationTest, TextsAreLimitedInNumberAndBytes) {
  inference::v1::CountTokensRequest count;
  EXPECT_THAT(Validate(count), IsOk());
  for (int i = 0; i < kMaxTexts; ++i) count.add_texts("");
  EXPECT_THAT(Validate(count), IsOk());
  count.add_texts("");
  EXPECT_THAT(ViolatedFields(Validate(count)), ElementsAre("texts"));

  inference::v1::EmbedRequest embed;
  EXPECT_THAT(ViolatedFields(Validate(embed)), ElementsAre("texts"));
  embed.add_texts(std::string(kMaxTextBytes, 'x'));
  EXPECT_THAT(Validate(embed), IsOk());
  embed.add_texts("x");
  EXPECT_THAT(ViolatedFields(Validate(embed)), ElementsAre("texts"));
}

TEST(ValidationTest, ScoreNeedsTwoIds) {
  inference::v1::ScoreRequest request;
  request.add_ids(1);
  EXPECT_THAT(ViolatedFields(Validate(request)), ElementsAre("ids"));
  request.add_ids(1);
  EXPECT_THAT(Validate(request), IsOk());
  request.set_top(21);
  EXPECT_THAT(ViolatedFields(Validate(request)), ElementsAre("top"));
}

TEST(ValidationTest, TokenizeAndDetokenizeAreLimited) {
  inference::v1::TokenizeRequest tokenize;
  tokenize.set_text(std::string(kMaxTokenizeBytes + 1, 'x'));
  EXPECT_THAT(ViolatedFields(Validate(tokenize)), ElementsAre("text"));
  inference::v1::DetokenizeRequest detokenize;
  detokenize.mutable_ids()->Resize(kMaxTokenIds + 1, 0);
  EXPECT_THAT(ViolatedFields(Validate(detokenize)), ElementsAre("ids"));
}

TEST(ValidationTest, IdsOutsideTheVocabularyAreNamed) {
  const std::vector<std::int32_t> ids = {0, 9, 10, -1};
  EXPECT_THAT(ViolatedFields(ValidateIds("ids", ids, 10)), ElementsAre("ids[2]"));
  EXPECT_THAT(ValidateIds("ids", ids, 11), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateIds("ids", std::span(ids).first(2), 10), IsOk());
}

}  // namespace
}  // namespace quire::services
