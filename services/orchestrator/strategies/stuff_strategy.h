#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "services/orchestrator/strategies/strategy.h"

namespace quire::services {

// Text with more bytes per token of room than this is taken not to fit without counting it, where a
// strategy has another way.
inline constexpr std::int64_t kMaxBytesPerToken = 32;

// All text in one prompt.
class StuffStrategy final : public Strategy {
 public:
  // `documents` are borrowed.
  StuffStrategy(const StrategyContext& context, std::span<const SourceDocument> documents)
      : context_(context), documents_(documents) {}

  // A prepared strategy if the documents fit one prompt, else null.
  static StatusOr<std::unique_ptr<StuffStrategy>> PrepareIfItFits(
      const StrategyContext& context, std::span<const SourceDocument> documents);

  orchestrator::v1::Strategy kind() const override { return orchestrator::v1::STRATEGY_STUFF; }
  StatusOr<StrategyPlan> Prepare() override;
  StatusOr<CitedText> Run() override;

  // Requires a successful Prepare.
  StrategyPlan plan() const { return {.calls = 1, .largest_prompt_tokens = prompt_tokens_}; }

 private:
  const StrategyContext context_;
  const std::span<const SourceDocument> documents_;
  std::vector<TextRange> ranges_;
  NumberedPrompt prompt_;
  std::int32_t prompt_tokens_ = 0;
};

}  // namespace quire::services
