#include "services/orchestrator/strategies/stage.h"

#include "services/orchestrator/strategies/concurrent_calls.h"

namespace quire::services {

StatusOr<std::vector<CitedText>> RunStage(const StrategyContext& context, const Stage& stage) {
  std::vector<CitedText> results(stage.num_calls);
  const auto total = static_cast<std::int32_t>(stage.num_calls);
  const auto run = [&](std::size_t call, const std::stop_token& stop) -> Status {
    QUIRE_ASSIGN_OR_RETURN(results[call], context.caller.Call(stage.prompt_of(call), stop));
    return OkStatus();
  };
  const auto on_progress = [&](std::size_t num_done) {
    return context.events.Progress(stage.name, static_cast<std::int32_t>(num_done), total);
  };
  const auto on_finished = [&](std::size_t call) -> Status {
    CitedText& result = results[call];
    QUIRE_RETURN_IF_ERROR(
        context.events.Step({.kind = stage.kind,
                             .index = stage.first_index + static_cast<std::int32_t>(call),
                             .text = result.text,
                             .truncated = result.truncated,
                             .sources = result.sources}));
    result = KeepNamedSources(result);
    return OkStatus();
  };
  QUIRE_RETURN_IF_ERROR(context.events.Progress(stage.name, 0, total));
  QUIRE_RETURN_IF_ERROR(
      RunConcurrently(stage.num_calls, static_cast<std::size_t>(context.task.max_concurrent_calls),
                      {.run = run, .on_progress = on_progress, .on_finished = on_finished}));
  return results;
}

}  // namespace quire::services
