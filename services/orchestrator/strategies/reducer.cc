#include "services/orchestrator/strategies/reducer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "services/orchestrator/packing/largest_fit.h"
#include "services/orchestrator/packing/text_units.h"
#include "services/orchestrator/strategies/stage.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

// What a result takes besides its text: the note's dash, its line end, longer source numbers.
constexpr std::int32_t kResultOverheadTokens = 8;

}  // namespace

Status Reducer::Prepare() {
  QUIRE_ASSIGN_OR_RETURN(base_tokens_,
                         context_.model.CountPromptTokens(context_.prompts.Merge({}).prompt));
  const std::int32_t result_tokens = context_.max_answer_tokens + kResultOverheadTokens;
  results_per_call_ = (context_.max_prompt_tokens - base_tokens_) / result_tokens;
  if (results_per_call_ < 2) {
    return ContextLengthExceeded("options.max_answer_tokens", base_tokens_ + 2 * result_tokens,
                                 context_.max_prompt_tokens);
  }
  return OkStatus();
}

StrategyPlan Reducer::Plan(std::size_t num_results) const {
  const auto results_per_call = static_cast<std::size_t>(results_per_call_);
  const auto result_tokens =
      static_cast<std::size_t>(context_.max_answer_tokens + kResultOverheadTokens);
  const std::size_t prompt_tokens =
      static_cast<std::size_t>(base_tokens_) + num_results * result_tokens;
  StrategyPlan plan;
  plan.largest_prompt_tokens = static_cast<std::int32_t>(
      std::min(prompt_tokens, static_cast<std::size_t>(context_.max_prompt_tokens)));
  for (std::size_t left = num_results; left > 1;) {
    left = (left + results_per_call - 1) / results_per_call;
    plan.calls += static_cast<std::int32_t>(left);
  }
  return plan;
}

StatusOr<CitedText> Reducer::Run(std::vector<CitedText> results) {
  for (;;) {
    std::erase_if(results, [&](const CitedText& result) {
      return context_.prompts.SaysNothing(result.text);
    });
    if (results.size() < 2) break;
    QUIRE_ASSIGN_OR_RETURN(const std::vector<Group> groups, MakeGroups(results));
    if (groups.size() == 1) return StreamAnswer(context_, context_.prompts.Merge(results));
    QUIRE_ASSIGN_OR_RETURN(results, RunLevel(results, groups));
  }
  CitedText answer;
  if (!results.empty()) {
    answer = std::move(results.front());
  } else if (context_.prompts.is_question()) {
    answer.text = TaskPrompts::NoAnswer();
  }
  QUIRE_RETURN_IF_ERROR(context_.events.Delta(answer.text));
  return answer;
}

StatusOr<std::vector<Reducer::Group>> Reducer::MakeGroups(std::vector<CitedText>& results) const {
  std::vector<Group> groups;
  for (std::size_t first = 0; first < results.size();) {
    const std::span<CitedText> rest = std::span(results).subspan(first);
    const std::size_t wanted = std::min(rest.size(), static_cast<std::size_t>(results_per_call_));
    const auto fits = [&](std::size_t count) { return Fits(rest.first(count)); };
    QUIRE_ASSIGN_OR_RETURN(std::size_t count, LargestFit(rest.size(), wanted, fits));
    for (std::int32_t max_tokens = context_.max_answer_tokens; count < wanted; max_tokens /= 2) {
      QUIRE_RETURN_IF_ERROR(Shorten(rest.first(wanted), max_tokens));
      QUIRE_ASSIGN_OR_RETURN(const bool fit, fits(wanted));
      if (fit) count = wanted;
      if (!fit && max_tokens == 0) return Internal("reduce: {} empty results do not fit", wanted);
    }
    groups.push_back({.first = first, .last = first + count});
    first += count;
  }
  return groups;
}

StatusOr<bool> Reducer::Fits(std::span<const CitedText> results) const {
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t tokens,
                         context_.model.CountPromptTokens(context_.prompts.Merge(results).prompt));
  return tokens <= context_.max_prompt_tokens;
}

Status Reducer::Shorten(std::span<CitedText> results, std::int32_t max_tokens) const {
  for (CitedText& result : results) {
    const std::vector<std::size_t> ends = PieceEnds(result.text);
    const auto fits = [&](std::size_t count) -> StatusOr<bool> {
      const std::string start = result.text.substr(0, ends[count - 1]);
      QUIRE_ASSIGN_OR_RETURN(const auto tokens, context_.model.CountTokens({&start, 1}));
      return tokens.front() <= max_tokens;
    };
    QUIRE_ASSIGN_OR_RETURN(const std::size_t count, LargestFit(ends.size(), ends.size(), fits));
    result.text.resize(count == 0 ? 0 : ends[count - 1]);
  }
  return OkStatus();
}

StatusOr<std::vector<CitedText>> Reducer::RunLevel(const std::vector<CitedText>& results,
                                                   const std::vector<Group>& groups) {
  std::vector<CitedText> merged(groups.size());
  std::vector<std::size_t> calls;  // groups that take one
  for (std::size_t i = 0; i < groups.size(); ++i) {
    merged[i] = results[groups[i].first];
    if (groups[i].size() > 1) calls.push_back(i);
  }
  const auto prompt_of = [&](std::size_t call) {
    const Group group = groups[calls[call]];
    return context_.prompts.Merge(std::span(results).subspan(group.first, group.size()));
  };
  QUIRE_ASSIGN_OR_RETURN(const std::vector<CitedText> replies,
                         RunStage(context_, {.name = "reduce",
                                             .kind = orchestrator::v1::STEP_KIND_REDUCE,
                                             .first_index = num_steps_,
                                             .num_calls = calls.size(),
                                             .prompt_of = prompt_of}));
  num_steps_ += static_cast<std::int32_t>(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) merged[calls[i]] = replies[i];
  return merged;
}

}  // namespace quire::services
