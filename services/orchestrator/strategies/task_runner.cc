#include "services/orchestrator/strategies/task_runner.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "services/orchestrator/citations/citations.h"
#include "services/orchestrator/packing/call_limit.h"
#include "services/orchestrator/prompts/task_prompts.h"
#include "services/orchestrator/strategies/coverage.h"
#include "services/orchestrator/strategies/model_caller.h"
#include "services/orchestrator/strategies/strategy.h"
#include "services/orchestrator/strategies/strategy_choice.h"
#include "services/orchestrator/strategies/timed_retriever.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

constexpr std::int32_t kDefaultAnswerTokens = 256;
// An answer takes at most this share of the context by default: map, reduce and refine prompts hold
// answers too.
constexpr std::int32_t kDefaultAnswerShare = 8;
constexpr std::size_t kMaxUnnamedCitations = 16;

StatusOr<std::int32_t> MaxAnswerTokens(const AnswerTask& task, std::int32_t context_tokens) {
  const std::int32_t tokens =
      task.max_answer_tokens > 0
          ? task.max_answer_tokens
          : std::clamp(context_tokens / kDefaultAnswerShare, 1, kDefaultAnswerTokens);
  if (tokens >= context_tokens) {
    return InvalidField("options.max_answer_tokens",
                        fmt::format("wanted less than the model's context of {} tokens, have {}",
                                    context_tokens, tokens));
  }
  return tokens;
}

orchestrator::v1::Citation ToCitation(const SourceCitation& citation) {
  orchestrator::v1::Citation out;
  out.set_number(citation.number);
  for (const std::int64_t offset : citation.marker_offsets) out.add_marker_offsets(offset);
  *out.mutable_source() = ToSource(citation.source);
  return out;
}

orchestrator::v1::Answer ToAnswer(const CitedText& reply, const StrategyContext& context,
                                  orchestrator::v1::Strategy strategy) {
  orchestrator::v1::Answer answer;
  answer.set_text(reply.text);
  answer.set_strategy(strategy);
  answer.set_truncated(reply.truncated);
  answer.set_no_answer(context.prompts.SaysNothing(reply.text));
  if (!answer.no_answer()) {
    for (const SourceCitation& citation : CitationsOf(reply, kMaxUnnamedCitations)) {
      *answer.add_citations() = ToCitation(citation);
    }
  }
  for (const auto& coverage : context.coverage.Report()) *answer.add_coverage() = coverage;
  *answer.mutable_usage() = context.caller.usage();
  return answer;
}

Status WriteEnd(const orchestrator::v1::Answer& answer, EventWriter& events) {
  for (const auto& citation : answer.citations()) {
    QUIRE_RETURN_IF_ERROR(events.Citation(citation));
  }
  QUIRE_RETURN_IF_ERROR(events.Answer(answer));
  return events.Usage(answer.usage());
}

}  // namespace

StatusOr<orchestrator::v1::Answer> RunTask(const AnswerTask& task, const TaskRuntime& runtime) {
  EventWriter events(runtime.sink, runtime.clock);
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t context_tokens, runtime.model.ContextTokens());
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t max_answer_tokens,
                         MaxAnswerTokens(task, context_tokens));
  const TaskPrompts prompts = task.is_question ? TaskPrompts::ForQuestion(task.subject)
                                               : TaskPrompts::ForSummary(task.subject);
  std::optional<TimedRetriever> retriever;
  if (runtime.retriever != nullptr) retriever.emplace(*runtime.retriever, runtime.clock);
  ModelCaller caller(runtime.model, {.max_tokens = max_answer_tokens,
                                     .temperature = task.temperature,
                                     .seed = task.seed,
                                     .stop = {}});
  CoverageTracker coverage;
  const StrategyContext context = {.task = task,
                                   .prompts = prompts,
                                   .model = runtime.model,
                                   .retriever = retriever ? &*retriever : nullptr,
                                   .caller = caller,
                                   .events = events,
                                   .coverage = coverage,
                                   .max_answer_tokens = max_answer_tokens,
                                   .max_prompt_tokens = context_tokens - max_answer_tokens};
  QUIRE_ASSIGN_OR_RETURN(const PreparedStrategy prepared, PrepareStrategy(context));
  if (prepared.plan.calls > task.max_calls) {
    return TooManyCalls(prepared.plan.calls, task.max_calls);
  }

  orchestrator::v1::Started started;
  started.set_request_id(runtime.request_id);
  started.set_strategy(prepared.strategy->kind());
  started.set_planned_calls(prepared.plan.calls);
  started.set_largest_prompt_tokens(prepared.plan.largest_prompt_tokens);
  started.set_context_tokens(context_tokens);
  QUIRE_RETURN_IF_ERROR(events.Started(started));

  QUIRE_ASSIGN_OR_RETURN(const CitedText reply, prepared.strategy->Run());
  orchestrator::v1::Answer answer = ToAnswer(reply, context, prepared.strategy->kind());
  if (retriever) answer.mutable_usage()->set_retrieval_ms(retriever->elapsed_ms());
  answer.mutable_usage()->set_first_delta_ms(events.first_delta_ms());
  answer.mutable_usage()->set_total_ms(events.elapsed_ms());
  QUIRE_RETURN_IF_ERROR(WriteEnd(answer, events));
  return answer;
}

}  // namespace quire::services
