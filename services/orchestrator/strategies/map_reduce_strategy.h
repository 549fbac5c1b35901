#pragma once

#include <memory>
#include <vector>

#include "services/orchestrator/packing/part_packer.h"
#include "services/orchestrator/strategies/reducer.h"
#include "services/orchestrator/strategies/strategy.h"
#include "services/orchestrator/strategies/stuff_strategy.h"

namespace quire::services {

// Each part alone, at the same time; then the results merged by Reducer. Parts of a question that
// have no answer are left out of the merge. Documents that fit one prompt take one call.
class MapReduceStrategy final : public Strategy {
 public:
  // `documents` are borrowed.
  MapReduceStrategy(const StrategyContext& context, std::span<const SourceDocument> documents)
      : context_(context), documents_(documents), reducer_(context_) {}

  orchestrator::v1::Strategy kind() const override { return orchestrator::v1::STRATEGY_MAP_REDUCE; }
  StatusOr<StrategyPlan> Prepare() override;
  StatusOr<CitedText> Run() override;

 private:
  const StrategyContext context_;
  const std::span<const SourceDocument> documents_;
  Reducer reducer_;
  std::unique_ptr<StuffStrategy> whole_;  // set if one call does
  std::vector<Part> parts_;
};

}  // namespace quire::services
