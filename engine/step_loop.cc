#include "engine/step_loop.h"

#include <utility>

namespace quire::engine {

void StepLoop::Add(std::unique_ptr<ActiveRequest> request) {
  ActiveRequest& added = *request;
  active_.emplace(&added.sequence, std::move(request));
  if (Status status = core_.Add(added.sequence); !status.ok()) {
    EndWithError(added, std::move(status));
  }
}

void StepLoop::Step() {
  const Clock::time_point begin = Clock::now();
  EndCancelledAndLate(begin);
  if (core_.scheduler().is_idle()) return;
  const StatusOr<std::span<const StepResult>> results = core_.Step();
  if (!results.ok()) {
    return EndWhere([&](const ActiveRequest& request) {
      const bool is_running = request.sequence.state == SequenceState::kRunning;
      return is_running ? results.status() : OkStatus();
    });
  }
  const Clock::time_point end = Clock::now();
  for (const StepResult& result : *results) HandleResult(result, begin, end);
}

void StepLoop::EndCancelledAndLate(Clock::time_point now) {
  EndWhere([now](const ActiveRequest& request) {
    if (request.output->cancelled()) return Cancelled("cancelled by the caller");
    const auto& deadline = request.sequence.request.deadline;
    if (!deadline || *deadline > now) return OkStatus();
    return DeadlineExceeded("deadline: passed after {} of {} output tokens",
                            request.sequence.num_output_tokens(),
                            request.sequence.request.max_new_tokens);
  });
}

void StepLoop::HandleResult(const StepResult& result, Clock::time_point begin,
                            Clock::time_point end) {
  ActiveRequest& request = *active_.at(result.sequence);
  OutputProcessor& output = *request.output;
  output.OnScheduled(request.sequence.num_cached, begin);
  if (!result.status.ok()) return EndWithError(request, result.status);
  output.OnPromptLogprobs(result.prompt_logprobs);
  if (result.token) {
    if (output.OnToken(*result.token, result.is_complete, end)) End(request);
  } else if (request.sequence.num_uncomputed() == 0) {
    output.OnPromptDone(end);
    End(request);
  }
}

void StepLoop::FailAll(const Status& status) {
  EndWhere([&](const ActiveRequest&) { return status; });
}

template <typename Choose>
void StepLoop::EndWhere(Choose choose) {
  std::vector<std::pair<ActiveRequest*, Status>> chosen;
  for (const auto& [sequence, request] : active_) {
    if (Status status = choose(*request); !status.ok()) {
      chosen.emplace_back(request.get(), std::move(status));
    }
  }
  for (auto& [request, status] : chosen) EndWithError(*request, std::move(status));
}

void StepLoop::EndWithError(ActiveRequest& request, Status status) {
  request.output->OnError(std::move(status));
  End(request);
}

void StepLoop::End(ActiveRequest& request) {
  core_.Remove(request.sequence);
  const auto found = active_.find(&request.sequence);
  ended_.push_back(std::move(found->second));
  active_.erase(found);
}

void StepLoop::Deliver() {
  for (const auto& [sequence, request] : active_) request->output->Flush();
  for (const auto& request : ended_) request->output->Flush();
  ended_.clear();
}

EngineLoad StepLoop::load() const {
  const Scheduler& scheduler = core_.scheduler();
  return {.num_running = scheduler.num_running(),
          .num_waiting = scheduler.num_waiting(),
          .num_free_blocks = core_.allocator().num_free(),
          .num_blocks = core_.allocator().num_blocks(),
          .num_preemptions = scheduler.num_preemptions()};
}

}  // namespace quire::engine
