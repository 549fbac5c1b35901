#include "services/orchestrator/strategies/map_reduce_strategy.h"

#include <algorithm>
#include <string>
#include <utility>

#include "services/orchestrator/strategies/stage.h"

namespace quire::services {

StatusOr<StrategyPlan> MapReduceStrategy::Prepare() {
  QUIRE_ASSIGN_OR_RETURN(whole_, StuffStrategy::PrepareIfItFits(context_, documents_));
  if (whole_ != nullptr) return whole_->plan();
  const auto prompt_of = [this](const std::vector<Passage>& passages) {
    return context_.prompts.Part(passages).prompt;
  };
  PartPacker packer(context_.model, documents_, prompt_of,
                    {.max_prompt_tokens = context_.max_prompt_tokens,
                     .max_parts = context_.task.max_calls,
                     .field = std::string(context_.prompts.field())});
  QUIRE_ASSIGN_OR_RETURN(parts_, packer.Pack());
  QUIRE_RETURN_IF_ERROR(reducer_.Prepare());
  StrategyPlan plan = reducer_.Plan(parts_.size());
  plan.calls += static_cast<std::int32_t>(parts_.size());
  for (const Part& part : parts_) {
    plan.largest_prompt_tokens = std::max(plan.largest_prompt_tokens, part.prompt_tokens);
  }
  return plan;
}

StatusOr<CitedText> MapReduceStrategy::Run() {
  if (whole_ != nullptr) return whole_->Run();
  const auto prompt_of = [this](std::size_t part) {
    return context_.prompts.Part(PassagesOf(documents_, parts_[part].ranges));
  };
  QUIRE_ASSIGN_OR_RETURN(std::vector<CitedText> results,
                         RunStage(context_, {.name = "map",
                                             .kind = orchestrator::v1::STEP_KIND_MAP,
                                             .first_index = 0,
                                             .num_calls = parts_.size(),
                                             .prompt_of = prompt_of}));
  AddDocuments(documents_, context_.coverage);
  for (const Part& part : parts_) AddRead(documents_, part.ranges, context_.coverage);
  return reducer_.Run(std::move(results));
}

}  // namespace quire::services
