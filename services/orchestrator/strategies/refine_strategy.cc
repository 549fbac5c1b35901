#include "services/orchestrator/strategies/refine_strategy.h"

#include <algorithm>

#include "services/orchestrator/packing/largest_fit.h"
#include "services/orchestrator/packing/text_units.h"

namespace quire::services {
namespace {

// What the result so far may take besides its text: seams, longer source numbers.
constexpr std::int32_t kPreviousOverheadTokens = 8;

}  // namespace

StatusOr<StrategyPlan> RefineStrategy::Prepare() {
  QUIRE_ASSIGN_OR_RETURN(whole_, StuffStrategy::PrepareIfItFits(context_, documents_));
  if (whole_ != nullptr) return whole_->plan();
  QUIRE_ASSIGN_OR_RETURN(reserved_tokens_, ReservedTokens());
  const auto prompt_of = [this](const std::vector<Passage>& passages) {
    return context_.prompts.Refine(passages, {}).prompt;
  };
  PartPacker packer(context_.model, documents_, prompt_of,
                    {.max_prompt_tokens = context_.max_prompt_tokens - reserved_tokens_,
                     .max_parts = context_.task.max_calls,
                     .field = std::string(context_.prompts.field())});
  QUIRE_ASSIGN_OR_RETURN(parts_, packer.Pack());
  StrategyPlan plan = {.calls = static_cast<std::int32_t>(parts_.size())};
  for (const Part& part : parts_) {
    plan.largest_prompt_tokens =
        std::max(plan.largest_prompt_tokens, part.prompt_tokens + reserved_tokens_);
  }
  return plan;
}

StatusOr<std::int32_t> RefineStrategy::ReservedTokens() const {
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t refine_tokens,
                         CountTokens(context_.prompts.Refine({}, {})));
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t whole_tokens, CountTokens(context_.prompts.Whole({})));
  // A part must fit the prompt of a first part too.
  return kPreviousOverheadTokens +
         std::max(context_.max_answer_tokens, whole_tokens - refine_tokens);
}

StatusOr<CitedText> RefineStrategy::Run() {
  if (whole_ != nullptr) return whole_->Run();
  AddDocuments(documents_, context_.coverage);
  const std::size_t last = parts_.size() - 1;
  CitedText so_far;
  for (std::size_t i = 0; i < last; ++i) {
    QUIRE_RETURN_IF_ERROR(ReportProgress(i));
    QUIRE_ASSIGN_OR_RETURN(so_far, RunStep(i, so_far));
  }
  QUIRE_RETURN_IF_ERROR(ReportProgress(last));
  QUIRE_ASSIGN_OR_RETURN(const NumberedPrompt prompt, PromptOf(last, so_far));
  AddRead(documents_, parts_[last].ranges, context_.coverage);
  return StreamAnswer(context_, prompt, so_far);
}

Status RefineStrategy::ReportProgress(std::size_t num_done) const {
  return context_.events.Progress("refine", static_cast<std::int32_t>(num_done),
                                  static_cast<std::int32_t>(parts_.size()) - 1);
}

StatusOr<CitedText> RefineStrategy::RunStep(std::size_t index, const CitedText& so_far) {
  QUIRE_ASSIGN_OR_RETURN(const NumberedPrompt prompt, PromptOf(index, so_far));
  QUIRE_ASSIGN_OR_RETURN(const CitedText reply, context_.caller.Call(prompt, {}));
  AddRead(documents_, parts_[index].ranges, context_.coverage);
  QUIRE_RETURN_IF_ERROR(context_.events.Step({.kind = orchestrator::v1::STEP_KIND_REFINE,
                                              .index = static_cast<std::int32_t>(index),
                                              .text = reply.text,
                                              .truncated = reply.truncated,
                                              .sources = reply.sources}));
  return context_.prompts.SaysNothing(reply.text) ? so_far : KeepNamedSources(reply);
}

StatusOr<NumberedPrompt> RefineStrategy::PromptOf(std::size_t index,
                                                  const CitedText& so_far) const {
  const std::vector<Passage> passages = PassagesOf(documents_, parts_[index].ranges);
  if (so_far.text.empty()) return context_.prompts.Whole(passages);
  const std::vector<std::size_t> ends = PieceEnds(so_far.text);
  const auto prompt_of = [&](std::size_t num_pieces) {
    CitedText start = so_far;
    start.text.resize(num_pieces == 0 ? 0 : ends[num_pieces - 1]);
    return context_.prompts.Refine(passages, KeepNamedSources(start));
  };
  const auto fits = [&](std::size_t num_pieces) -> StatusOr<bool> {
    QUIRE_ASSIGN_OR_RETURN(const std::int32_t tokens, CountTokens(prompt_of(num_pieces)));
    return tokens <= parts_[index].prompt_tokens + reserved_tokens_;
  };
  QUIRE_ASSIGN_OR_RETURN(const std::size_t num_pieces, LargestFit(ends.size(), ends.size(), fits));
  return prompt_of(num_pieces);
}

StatusOr<std::int32_t> RefineStrategy::CountTokens(const NumberedPrompt& prompt) const {
  return context_.model.CountPromptTokens(prompt.prompt);
}

}  // namespace quire::services
