#include "services/inference/generation.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "services/inference/scheduling.h"
#include "services/inference/validation.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

constexpr std::int32_t kDefaultMaxTokens = 256;
constexpr std::chrono::minutes kMaxGenerationTime{10};
constexpr std::chrono::milliseconds kCancellationPoll{20};
// Before the speed is known, and the least a client should wait: a slot frees when a request ends,
// which takes seconds on a CPU.
constexpr std::chrono::milliseconds kQueueRetryDelay{1000};
constexpr std::chrono::milliseconds kMaxQueueRetryDelay{60'000};

engine::SamplingParams MergeSampling(const inference::v1::SamplingParams& wanted,
                                     engine::SamplingParams sampling, const InferenceCall& call) {
  if (wanted.has_temperature()) sampling.temperature = wanted.temperature();
  if (wanted.has_top_k()) sampling.top_k = wanted.top_k();
  if (wanted.has_top_p()) sampling.top_p = wanted.top_p();
  if (wanted.has_min_p()) sampling.min_p = wanted.min_p();
  if (wanted.has_typical_p()) sampling.typical_p = wanted.typical_p();
  if (wanted.has_repetition_penalty()) sampling.repetition_penalty = wanted.repetition_penalty();
  if (wanted.has_presence_penalty()) sampling.presence_penalty = wanted.presence_penalty();
  if (wanted.has_frequency_penalty()) sampling.frequency_penalty = wanted.frequency_penalty();
  for (const auto& [id, bias] : wanted.logit_bias()) sampling.logit_bias.push_back({id, bias});
  sampling.seed = wanted.has_seed() ? wanted.seed() : call.random_seed();
  return sampling;
}

// The output's token limit for a prompt of `prompt_tokens`.
StatusOr<std::int32_t> MaxNewTokens(std::string_view field, std::int64_t prompt_tokens,
                                    const inference::v1::StoppingCriteria& stopping,
                                    std::int32_t context_tokens) {
  if (prompt_tokens == 0) return InvalidField(field, "wanted at least one token, have none");
  const std::int64_t rest = context_tokens - prompt_tokens;
  const std::int64_t wanted = stopping.has_max_tokens() ? stopping.max_tokens() : 1;
  if (wanted > rest) {
    return ContextLengthExceeded(rest < 1 ? field : "stopping.max_tokens", prompt_tokens + wanted,
                                 context_tokens);
  }
  if (stopping.has_max_tokens()) return stopping.max_tokens();
  return static_cast<std::int32_t>(std::min<std::int64_t>(rest, kDefaultMaxTokens));
}

engine::ConstraintSpec ToSpec(const inference::v1::Constraint& constraint) {
  switch (constraint.kind_case()) {
    case inference::v1::Constraint::kChoice: {
      const auto& choices = constraint.choice().choices();
      return engine::ChoiceConstraint{{choices.begin(), choices.end()}};
    }
    case inference::v1::Constraint::kRegex:
      return engine::RegexConstraint{constraint.regex()};
    case inference::v1::Constraint::kJsonSchema:
      return engine::JsonSchemaConstraint{constraint.json_schema()};
    case inference::v1::Constraint::KIND_NOT_SET:
      break;
  }
  return std::monostate();
}

// What can be refused only by looking at the model.
Status ValidateForModel(const engine::Request& request, const engine::ModelConfig& config) {
  for (const auto& [id, unused] : request.sampling.logit_bias) {
    if (id >= 0 && id < config.vocab_size) continue;
    return InvalidField(fmt::format("sampling.logit_bias[{}]", id),
                        fmt::format("wanted an id in [0, {})", config.vocab_size));
  }
  QUIRE_RETURN_IF_ERROR(
      ValidateIds("stopping.stop_token_ids", request.stop_token_ids, config.vocab_size));
  if (request.min_tokens <= request.max_new_tokens) return OkStatus();
  return InvalidField("stopping.min_tokens",
                      fmt::format("wanted at most {} (max_tokens), have {}", request.max_new_tokens,
                                  request.min_tokens));
}

// `status` of the engine with the violation of the field that its message begins with.
Status WithConstraintViolation(const Status& status) {
  // The engine's fields and ours.
  constexpr std::pair<std::string_view, std::string_view> kFields[] = {
      {"constraint.regex", "constraint.regex"},
      {"constraint.json_schema", "constraint.json_schema"},
      {"constraint.choice", "constraint.choice.choices"},
      {"stop_token_ids", "stopping.stop_token_ids"}};
  const std::string_view message = Message(status);
  const std::size_t colon = std::min(message.find(": "), message.size());
  for (const auto& [field, path] : kFields) {
    if (!message.starts_with(field) || colon == message.size()) continue;
    const std::string_view index = message.substr(field.size(), colon - field.size());
    return InvalidField(fmt::format("{}{}", path, index), message.substr(colon + 2));
  }
  return status;
}

inference::v1::PrefixMiss ToProto(engine::PrefixMiss miss) {
  switch (miss) {
    case engine::PrefixMiss::kNone:
      return inference::v1::PREFIX_MISS_UNSPECIFIED;
    case engine::PrefixMiss::kUnseen:
      return inference::v1::PREFIX_MISS_UNSEEN;
    case engine::PrefixMiss::kDiffers:
      return inference::v1::PREFIX_MISS_DIFFERS;
    case engine::PrefixMiss::kEvicted:
      return inference::v1::PREFIX_MISS_EVICTED;
    case engine::PrefixMiss::kOtherSalt:
      return inference::v1::PREFIX_MISS_OTHER_SALT;
    case engine::PrefixMiss::kDisabled:
      return inference::v1::PREFIX_MISS_DISABLED;
  }
  return inference::v1::PREFIX_MISS_UNSPECIFIED;
}

double Milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

StatusOr<engine::Request> MakeEngineRequest(const ServedLanguageModel& model,
                                            const InferenceCall& call, std::string_view field,
                                            std::vector<engine::TokenId> prompt,
                                            const GenerationParams& params) {
  const auto& stopping = params.stopping;
  engine::Request request;
  QUIRE_ASSIGN_OR_RETURN(request.max_new_tokens,
                         MaxNewTokens(field, static_cast<std::int64_t>(prompt.size()), stopping,
                                      model.engine->limits().context_tokens));
  request.prompt = std::move(prompt);
  request.sampling = MergeSampling(params.sampling, model.engine->default_sampling(), call);
  request.stop.assign(stopping.stop().begin(), stopping.stop().end());
  request.ignore_eos = stopping.ignore_eos();
  request.min_tokens = stopping.min_tokens();
  request.stop_token_ids.assign(stopping.stop_token_ids().begin(), stopping.stop_token_ids().end());
  if (params.options.has_logprobs()) request.num_logprobs = params.options.logprobs();
  if (params.options.has_num_outputs()) request.num_outputs = params.options.num_outputs();
  request.constraint = ToSpec(params.constraint);
  request.scheduling = ToEngine(call, params.scheduling);
  request.max_draft_tokens = params.prompt_lookup_tokens.value_or(model.prompt_lookup_tokens);
  request.deadline = GenerationDeadline(call);
  QUIRE_RETURN_IF_ERROR(ValidateForModel(request, model.engine->config()));
  return request;
}

StatusOr<std::unique_ptr<engine::OutputStream>> Submit(const ServedLanguageModel& model,
                                                       engine::Request request) {
  auto stream = model.engine->Submit(std::move(request));
  if (absl::IsResourceExhausted(stream.status())) {
    const auto wait =
        std::chrono::duration_cast<std::chrono::milliseconds>(model.engine->load().expected_wait);
    return WithRetryInfo(WithErrorInfo(stream.status(), kQueueFull, {}),
                         std::clamp(wait, kQueueRetryDelay, kMaxQueueRetryDelay));
  }
  if (absl::IsInvalidArgument(stream.status())) return WithConstraintViolation(stream.status());
  return stream;
}

Status ReadEvents(engine::OutputStream& stream, const InferenceCall& call, std::int32_t num_outputs,
                  const EventSink& sink) {
  while (num_outputs > 0) {
    if (call.is_cancelled()) return Cancelled("call: the client is gone");
    QUIRE_ASSIGN_OR_RETURN(const auto event, stream.Next(kCancellationPoll));
    if (!event.has_value()) continue;
    if (!sink(*event)) return Cancelled("call: the client is gone");
    if (event->finish.has_value()) --num_outputs;
  }
  return OkStatus();
}

std::chrono::steady_clock::time_point GenerationDeadline(const InferenceCall& call) {
  const auto latest = std::chrono::steady_clock::now() + kMaxGenerationTime;
  return call.deadline ? std::min(*call.deadline, latest) : latest;
}

inference::v1::FinishReason ToProto(engine::FinishReason reason) {
  switch (reason) {
    case engine::FinishReason::kStop:
      return inference::v1::FINISH_REASON_STOP;
    case engine::FinishReason::kStopString:
      return inference::v1::FINISH_REASON_STOP_STRING;
    case engine::FinishReason::kLength:
      return inference::v1::FINISH_REASON_LENGTH;
  }
  return inference::v1::FINISH_REASON_UNSPECIFIED;
}

void AddUsage(const engine::Usage& output, inference::v1::Usage& total) {
  // The first output that ends stands for the prompt: the others found it computed.
  if (total.prompt_tokens() == 0) {
    total.set_prompt_tokens(output.prompt_tokens);
    total.set_cached_tokens(output.cached_tokens);
    total.set_prefix_miss(ToProto(output.prefix_miss.miss));
    total.set_prefix_differs_at(output.prefix_miss.differs_at);
    total.set_queue_ms(Milliseconds(output.queue_time));
    total.set_prefill_ms(Milliseconds(output.prefill_time));
  } else {
    total.set_cached_tokens(std::min(total.cached_tokens(), output.cached_tokens));
  }
  total.set_completion_tokens(total.completion_tokens() + output.completion_tokens);
  total.set_draft_tokens(total.draft_tokens() + output.draft_tokens);
  total.set_accepted_draft_tokens(total.accepted_draft_tokens() + output.accepted_draft_tokens);
  total.set_decode_ms(std::max(total.decode_ms(), Milliseconds(output.decode_time)));
}

inference::v1::ScoredToken ToProto(const engine::ScoredToken& token) {
  inference::v1::ScoredToken proto;
  proto.mutable_token()->set_id(token.token.id);
  proto.mutable_token()->set_logprob(token.token.logprob);
  for (const engine::TokenLogprob& alternative : token.top) {
    auto* top = proto.add_top();
    top->set_id(alternative.id);
    top->set_logprob(alternative.logprob);
  }
  return proto;
}

}  // namespace quire::services
