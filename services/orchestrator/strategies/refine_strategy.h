#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "services/orchestrator/packing/part_packer.h"
#include "services/orchestrator/strategies/strategy.h"
#include "services/orchestrator/strategies/stuff_strategy.h"

namespace quire::services {

// Part after part, in order, each improving the result so far. A part that has nothing to say
// leaves the result as it is; until one has, each is read as if it were the first. Documents that
// fit one prompt take one call.
class RefineStrategy final : public Strategy {
 public:
  // `documents` are borrowed.
  RefineStrategy(const StrategyContext& context, std::span<const SourceDocument> documents)
      : context_(context), documents_(documents) {}

  orchestrator::v1::Strategy kind() const override { return orchestrator::v1::STRATEGY_REFINE; }
  StatusOr<StrategyPlan> Prepare() override;
  StatusOr<CitedText> Run() override;

 private:
  StatusOr<std::int32_t> CountTokens(const NumberedPrompt& prompt) const;
  // Tokens to keep free for the result so far.
  StatusOr<std::int32_t> ReservedTokens() const;
  // The prompt that reads part `index`. Cuts the end off a result so far that takes more than
  // reserved_tokens_.
  StatusOr<NumberedPrompt> PromptOf(std::size_t index, const CitedText& so_far) const;
  // The result after part `index`.
  StatusOr<CitedText> RunStep(std::size_t index, const CitedText& so_far);
  Status ReportProgress(std::size_t num_done) const;

  const StrategyContext context_;
  const std::span<const SourceDocument> documents_;
  std::unique_ptr<StuffStrategy> whole_;  // set if one call does
  std::vector<Part> parts_;               // counted with an empty result so far
  std::int32_t reserved_tokens_ = 0;
};

}  // namespace quire::services
