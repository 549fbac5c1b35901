#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "services/orchestrator/strategies/strategy.h"

namespace quire::services {

// Model calls that do not depend on each other.
struct Stage {
  std::string_view name;  // for Progress
  orchestrator::v1::StepKind kind = orchestrator::v1::STEP_KIND_UNSPECIFIED;
  std::int32_t first_index = 0;  // of its steps
  std::size_t num_calls = 0;
  // The prompt of one call, from 0. Called on several threads.
  std::function<NumberedPrompt(std::size_t call)> prompt_of;
};

// Runs the calls at the same time, as many as the task allows, and reports progress and, in order,
// steps. Returns what the model said, in order, with the sources that it names; or the first error,
// which cancels the other calls.
StatusOr<std::vector<CitedText>> RunStage(const StrategyContext& context, const Stage& stage);

}  // namespace quire::services
