#pragma once

#include <memory>
#include <vector>

#include "base/status.h"
#include "services/orchestrator/strategies/strategy.h"

namespace quire::services {

// A strategy that is ready to run, with what it borrows.
struct PreparedStrategy {
  std::unique_ptr<std::vector<SourceDocument>> documents;  // outlive the strategy
  std::unique_ptr<Strategy> strategy;
  StrategyPlan plan;
};

// Makes the strategy that the task names, reads the documents it needs and prepares it. AUTO is
// STUFF if everything fits one prompt, else RAG for a question to a collection alone, else
// MAP_REDUCE.
StatusOr<PreparedStrategy> PrepareStrategy(const StrategyContext& context);

}  // namespace quire::services
