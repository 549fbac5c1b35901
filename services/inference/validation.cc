#include "services/inference/validation.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/request_validation.h"
#include "engine/sampling/constraints/constraint_compiler.h"
#include "engine/sampling/constraints/regex.h"
#include "engine/sampling/sampling_params.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

using inference::v1::Message;

// Gathers what is wrong with a request; the first violation becomes the message.
class Violations {
 public:
  template <typename... Args>
  void Require(bool holds, std::string_view field, fmt::format_string<Args...> description,
               Args&&... args) {
    if (holds) return;
    const std::string text = fmt::format(description, std::forward<Args>(args)...);
    status_ = status_.ok() ? InvalidField(field, text) : WithFieldViolation(status_, field, text);
  }

  const Status& status() const { return status_; }

 private:
  Status status_;
};

template <typename Texts>
std::size_t TotalBytes(const Texts& texts) {
  std::size_t total = 0;
  for (const auto& text : texts) total += text.size();
  return total;
}

void CheckText(std::string_view field, std::size_t bytes, std::size_t limit,
               Violations& violations) {
  violations.Require(bytes <= limit, field, "wanted at most {} bytes, have {}", limit, bytes);
}

// Too many texts are not looked at.
template <typename Texts>
void CheckTexts(std::string_view field, const Texts& texts, int least, int most,
                std::size_t max_bytes, Violations& violations) {
  const int count = texts.size();
  violations.Require(count >= least && count <= most, field, "wanted {} to {}, have {}", least,
                     most, count);
  if (count <= most) CheckText(field, TotalBytes(texts), max_bytes, violations);
}

bool IsWithin(float value, float low, float high) {
  return std::isfinite(value) && value >= low && value <= high;
}

void CheckWithin(std::string_view field, float value, float low, float high,
                 Violations& violations) {
  violations.Require(IsWithin(value, low, high), field, "wanted a number in [{}, {}], have {}", low,
                     high, value);
}

// A share of something: above 0, at most all of it.
void CheckShare(std::string_view field, float value, Violations& violations) {
  violations.Require(IsWithin(value, 0.0f, 1.0f) && value > 0.0f, field,
                     "wanted a number in (0, 1], have {}", value);
}

void CheckCount(std::string_view field, std::int32_t value, std::int32_t low, std::int32_t high,
                Violations& violations) {
  violations.Require(value >= low && value <= high, field, "wanted {} to {}, have {}", low, high,
                     value);
}

void CheckLogitBias(const google::protobuf::Map<std::int32_t, float>& biases,
                    Violations& violations) {
  constexpr std::size_t kMax = engine::kMaxLogitBiases;
  violations.Require(biases.size() <= kMax, "sampling.logit_bias", "wanted at most {}, have {}",
                     kMax, biases.size());
  if (biases.size() > kMax) return;
  for (const auto& [id, bias] : biases) {
    CheckWithin(fmt::format("sampling.logit_bias[{}]", id), bias, -engine::kMaxLogitBias,
                engine::kMaxLogitBias, violations);
  }
}

void Check(const inference::v1::SamplingParams& sampling, Violations& violations) {
  if (sampling.has_temperature()) {
    CheckWithin("sampling.temperature", sampling.temperature(), 0.0f, 100.0f, violations);
  }
  if (sampling.has_top_k()) {
    violations.Require(sampling.top_k() >= 0, "sampling.top_k", "wanted 0 or more, have {}",
                       sampling.top_k());
  }
  if (sampling.has_top_p()) {
    CheckShare("sampling.top_p", sampling.top_p(), violations);
  }
  if (sampling.has_min_p()) {
    CheckWithin("sampling.min_p", sampling.min_p(), 0.0f, 1.0f, violations);
  }
  if (sampling.has_typical_p()) {
    CheckShare("sampling.typical_p", sampling.typical_p(), violations);
  }
  if (sampling.has_repetition_penalty()) {
    CheckWithin("sampling.repetition_penalty", sampling.repetition_penalty(),
                engine::kMinRepetitionPenalty, engine::kMaxRepetitionPenalty, violations);
  }
  if (sampling.has_presence_penalty()) {
    CheckWithin("sampling.presence_penalty", sampling.presence_penalty(), -engine::kMaxCountPenalty,
                engine::kMaxCountPenalty, violations);
  }
  if (sampling.has_frequency_penalty()) {
    CheckWithin("sampling.frequency_penalty", sampling.frequency_penalty(),
                -engine::kMaxCountPenalty, engine::kMaxCountPenalty, violations);
  }
  CheckLogitBias(sampling.logit_bias(), violations);
}

void Check(const inference::v1::StoppingCriteria& stopping, Violations& violations) {
  if (stopping.has_max_tokens()) {
    violations.Require(stopping.max_tokens() > 0, "stopping.max_tokens",
                       "wanted 1 or more, have {}", stopping.max_tokens());
  }
  violations.Require(stopping.min_tokens() >= 0, "stopping.min_tokens", "wanted 0 or more, have {}",
                     stopping.min_tokens());
  const auto num_tokens = static_cast<std::size_t>(stopping.stop_token_ids_size());
  violations.Require(num_tokens <= engine::kMaxStopTokens, "stopping.stop_token_ids",
                     "wanted at most {}, have {}", engine::kMaxStopTokens, num_tokens);
  const auto num_strings = static_cast<std::size_t>(stopping.stop_size());
  violations.Require(num_strings <= engine::kMaxStopStrings, "stopping.stop",
                     "wanted at most {} strings, have {}", engine::kMaxStopStrings, num_strings);
  for (std::size_t i = 0; i < std::min(num_strings, engine::kMaxStopStrings); ++i) {
    const std::size_t bytes = stopping.stop(static_cast<int>(i)).size();
    violations.Require(bytes > 0 && bytes <= engine::kMaxStopStringBytes,
                       fmt::format("stopping.stop[{}]", i), "wanted 1 to {} bytes, have {}",
                       engine::kMaxStopStringBytes, bytes);
  }
}

void Check(const inference::v1::Constraint& constraint, Violations& violations) {
  if (constraint.has_regex()) {
    CheckText("constraint.regex", constraint.regex().size(), engine::constraints::kMaxRegexBytes,
              violations);
  } else if (constraint.has_json_schema()) {
    CheckText("constraint.json_schema", constraint.json_schema().size(),
              engine::kMaxConstraintBytes, violations);
  } else if (constraint.has_choice()) {
    CheckTexts("constraint.choice.choices", constraint.choice().choices(), 1,
               static_cast<int>(engine::kMaxChoices), engine::kMaxConstraintBytes, violations);
  } else {
    violations.Require(false, "constraint", "wanted choice, regex or json_schema, have none");
  }
}

void Check(const inference::v1::ResponseOptions& options, Violations& violations) {
  if (options.has_logprobs()) {
    CheckCount("options.logprobs", options.logprobs(), 0, kMaxLogprobs, violations);
  }
  if (options.has_num_outputs()) {
    CheckCount("options.num_outputs", options.num_outputs(), 1, engine::kMaxOutputs, violations);
  }
}

void CheckName(std::string_view field, const std::string& name, Violations& violations) {
  CheckText(field, name.size(), engine::kMaxNameBytes, violations);
}

void CheckIdCount(std::string_view field, int count, int least, Violations& violations) {
  CheckCount(field, count, least, kMaxTokenIds, violations);
}

void Check(const inference::v1::SchedulingOptions& scheduling, Violations& violations) {
  violations.Require(inference::v1::Priority_IsValid(scheduling.priority()), "scheduling.priority",
                     "wanted a value of Priority, have {}",
                     static_cast<int>(scheduling.priority()));
  CheckName("scheduling.client_id", scheduling.client_id(), violations);
  CheckName("scheduling.group_id", scheduling.group_id(), violations);
  CheckName("scheduling.cache_salt", scheduling.cache_salt(), violations);
}

using Messages = google::protobuf::RepeatedPtrField<Message>;

void Check(const Messages& messages, Violations& violations) {
  constexpr std::array<std::string_view, 4> kRoles = {"system", "user", "assistant", "tool"};
  violations.Require(!messages.empty() && messages.size() <= kMaxMessages, "messages",
                     "wanted 1 to {}, have {}", kMaxMessages, messages.size());
  if (!violations.status().ok()) return;
  std::size_t bytes = 0;
  for (int i = 0; i < messages.size(); ++i) {
    const std::string& role = messages[i].role();
    violations.Require(std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end(),
                       fmt::format("messages[{}].role", i),
                       "wanted system, user, assistant or tool, have '{}'", TruncateText(role, 40));
    bytes += messages[i].content().size();
  }
  CheckText("messages", bytes, kMaxTextBytes, violations);
}

template <typename Request>
void CheckGeneration(const Request& request, Violations& violations) {
  Check(request.sampling(), violations);
  Check(request.stopping(), violations);
  Check(request.options(), violations);
  if (request.has_constraint()) Check(request.constraint(), violations);
  Check(request.scheduling(), violations);
  if (request.has_prompt_lookup_tokens()) {
    CheckCount("prompt_lookup_tokens", request.prompt_lookup_tokens(), 0, engine::kMaxDraftTokens,
               violations);
  }
}

}  // namespace

Status Validate(const inference::v1::GenerateRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  violations.Require(request.prompt_case() != inference::v1::GenerateRequest::PROMPT_NOT_SET,
                     "prompt", "wanted text or token_ids, have neither");
  if (request.has_text()) CheckText("text", request.text().size(), kMaxTextBytes, violations);
  if (request.has_token_ids()) {
    CheckIdCount("token_ids.ids", request.token_ids().ids_size(), 1, violations);
  }
  CheckGeneration(request, violations);
  return violations.status();
}

Status Validate(const inference::v1::ChatRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  Check(request.messages(), violations);
  CheckGeneration(request, violations);
  return violations.status();
}

Status Validate(const inference::v1::CancelGroupRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  CheckName("client_id", request.client_id(), violations);
  violations.Require(!request.group_id().empty(), "group_id", "wanted a name, have none");
  CheckName("group_id", request.group_id(), violations);
  return violations.status();
}

Status Validate(const inference::v1::RenderPromptRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  Check(request.messages(), violations);
  return violations.status();
}

Status Validate(const inference::v1::TokenizeRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  CheckText("text", request.text().size(), kMaxTokenizeBytes, violations);
  return violations.status();
}

Status Validate(const inference::v1::DetokenizeRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  CheckIdCount("ids", request.ids_size(), 0, violations);
  return violations.status();
}

Status Validate(const inference::v1::CountTokensRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  CheckTexts("texts", request.texts(), 0, kMaxTexts, kMaxTextBytes, violations);
  return violations.status();
}

Status Validate(const inference::v1::EmbedRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  CheckTexts("texts", request.texts(), 1, kMaxEmbedTexts, kMaxTextBytes, violations);
  violations.Require(inference::v1::EmbedInputType_IsValid(request.input_type()), "input_type",
                     "wanted a value of EmbedInputType, have {}",
                     static_cast<int>(request.input_type()));
  return violations.status();
}

Status Validate(const inference::v1::RerankRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  violations.Require(!request.query().empty() && request.query().size() <= kMaxQueryBytes, "query",
                     "wanted 1 to {} bytes, have {}", kMaxQueryBytes, request.query().size());
  CheckTexts("documents", request.documents(), 1, kMaxRerankDocuments, kMaxTextBytes, violations);
  violations.Require(request.top_n() >= 0, "top_n", "wanted 0 or more, have {}", request.top_n());
  return violations.status();
}

Status Validate(const inference::v1::ScoreRequest& request) {
  Violations violations;
  CheckName("model", request.model(), violations);
  CheckIdCount("ids", request.ids_size(), 2, violations);
  CheckCount("top", request.top(), 0, kMaxLogprobs, violations);
  return violations.status();
}

Status Validate(const inference::v1::ListModelsRequest& request) {
  Violations violations;
  violations.Require(request.page_size() >= 0, "page_size", "wanted 0 or more, have {}",
                     request.page_size());
  CheckName("page_token", request.page_token(), violations);
  return violations.status();
}

Status Validate(const inference::v1::GetModelRequest& request) {
  Violations violations;
  CheckName("name", request.name(), violations);
  return violations.status();
}

Status ValidateIds(std::string_view field, std::span<const std::int32_t> ids,
                   std::int64_t vocab_size) {
  const auto bad = std::find_if(ids.begin(), ids.end(),
                                [&](std::int32_t id) { return id < 0 || id >= vocab_size; });
  if (bad == ids.end()) return OkStatus();
  return InvalidField(fmt::format("{}[{}]", field, bad - ids.begin()),
                      fmt::format("wanted an id in [0, {}), have {}", vocab_size, *bad));
}

}  // namespace quire::services
