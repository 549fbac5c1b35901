#include "services/orchestrator/strategies/stuff_strategy.h"

#include <numeric>

#include "services/orchestrator/packing/text_units.h"
#include "services/orchestrator/packing/unit_tokens.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

// More than this is not sent to be counted as one prompt; a request takes 16 MiB.
constexpr std::int64_t kMaxPromptBytes = std::int64_t{14} << 20;

std::int64_t TextBytes(std::span<const SourceDocument> documents) {
  return std::accumulate(documents.begin(), documents.end(), std::int64_t{0},
                         [](std::int64_t sum, const SourceDocument& document) {
                           return sum + static_cast<std::int64_t>(document.text.size());
                         });
}

}  // namespace

StatusOr<std::unique_ptr<StuffStrategy>> StuffStrategy::PrepareIfItFits(
    const StrategyContext& context, std::span<const SourceDocument> documents) {
  if (TextBytes(documents) > kMaxBytesPerToken * context.max_prompt_tokens) return nullptr;
  auto strategy = std::make_unique<StuffStrategy>(context, documents);
  const Status status = strategy->Prepare().status();
  if (ErrorReason(status) == kContextLengthExceeded) return nullptr;
  QUIRE_RETURN_IF_ERROR(status);
  return strategy;
}

StatusOr<StrategyPlan> StuffStrategy::Prepare() {
  const std::vector<TextUnit> units = CutIntoUnits(documents_);
  if (TextBytes(documents_) > kMaxPromptBytes) {
    QUIRE_ASSIGN_OR_RETURN(const auto tokens, CountUnitTokens(context_.model, documents_, units));
    return ContextLengthExceeded("sources",
                                 std::accumulate(tokens.begin(), tokens.end(), std::int64_t{0}),
                                 context_.max_prompt_tokens);
  }
  ranges_ = JoinIntoPassages(units);
  prompt_ = context_.prompts.Whole(PassagesOf(documents_, ranges_));
  QUIRE_ASSIGN_OR_RETURN(prompt_tokens_, context_.model.CountPromptTokens(prompt_.prompt));
  if (prompt_tokens_ > context_.max_prompt_tokens) {
    return ContextLengthExceeded("sources", prompt_tokens_, context_.max_prompt_tokens);
  }
  return plan();
}

StatusOr<CitedText> StuffStrategy::Run() {
  AddDocuments(documents_, context_.coverage);
  AddRead(documents_, ranges_, context_.coverage);
  return StreamAnswer(context_, prompt_);
}

}  // namespace quire::services
