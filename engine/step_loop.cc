#include "engine/step_loop.h"

#include <algorithm>
#include <utility>

namespace quire::engine {

void StepLoop::Add(std::unique_ptr<ActiveRequest> request) {
  ActiveRequest& added = *request;
  JoinGroup(added);
  active_.emplace(&added.sequence, std::move(request));
  if (Status status = core_.Add(added.sequence); !status.ok()) {
    EndWithError(added, std::move(status));
  }
}

void StepLoop::JoinGroup(ActiveRequest& active) {
  const Request& request = active.sequence.request;
  const SchedulingParams& params = request.scheduling;
  if (params.group.empty()) return;
  RequestGroup& group = groups_[{params.client, params.group}];
  active.group = &group;
  ++group.num_active;
  if (!request.deadline) return;
  group.deadline = group.deadline ? std::min(*group.deadline, *request.deadline) : request.deadline;
}

void StepLoop::LeaveGroup(const ActiveRequest& active) {
  if (active.group == nullptr || --active.group->num_active > 0) return;
  const SchedulingParams& params = active.sequence.request.scheduling;
  groups_.erase({params.client, params.group});
}

void StepLoop::CancelGroup(const std::string& client, const std::string& group) {
  EndWhere([&](const ActiveRequest& request) {
    const SchedulingParams& params = request.sequence.request.scheduling;
    if (params.client != client || params.group != group) return OkStatus();
    return Cancelled("group {}: cancelled by the caller", group);
  });
}

bool StepLoop::Step() {
  if (!core_.has_begun()) Begin();
  if (!core_.has_begun()) return false;
  const StatusOr<std::span<const StepResult>> results = core_.Finish();
  if (!results.ok()) {
    const bool is_lost = absl::IsUnavailable(results.status());
    EndWhere([&](const ActiveRequest& request) {
      const bool is_running = request.sequence.state == SequenceState::kRunning;
      return is_running || is_lost ? results.status() : OkStatus();
    });
    return true;
  }
  const Clock::time_point end = Clock::now();
  MeasureSpeed(*results, backlog_ - core_.scheduler().num_backlog_tokens(), end - begin_);
  for (const StepResult& result : *results) {
    active_.at(result.sequence)->output->OnScheduled(*result.sequence, begin_);
  }
  if (core_.is_asynchronous() && !results->empty()) {
    HandleBesideNext(*results, end);
  } else {
    for (const StepResult& result : *results) HandleResult(result, end);
  }
  return true;
}

void StepLoop::Begin() {
  begin_ = Clock::now();
  EndCancelledAndLate(begin_);
  UpdatePaused(begin_);
  backlog_ = core_.scheduler().num_backlog_tokens();
  core_.Begin();
}

void StepLoop::HandleBesideNext(std::span<const StepResult> results, Clock::time_point end) {
  std::vector<const StepResult*> others;
  for (const StepResult& result : results) {
    if (MayEnd(result, end)) {
      HandleResult(result, end);
    } else {
      others.push_back(&result);
    }
  }
  Begin();
  for (const StepResult* result : others) HandleResult(*result, end);
}

bool StepLoop::MayEnd(const StepResult& result, Clock::time_point now) const {
  const ActiveRequest& request = *active_.at(result.sequence);
  const bool is_prompt_done = result.tokens.empty() && request.sequence.num_uncomputed() == 0;
  return !result.status.ok() || is_prompt_done || !WhyEnd(request, now).ok() ||
         request.output->MayEndWith(result.tokens, result.is_complete);
}

void StepLoop::MeasureSpeed(std::span<const StepResult> results, std::int64_t num_computed,
                            Clock::duration duration) {
  // Decoding alone says little of prompts: it computes few tokens a step.
  if (num_computed < 2 * static_cast<std::int64_t>(results.size())) return;
  const double speed =
      static_cast<double>(num_computed) / std::chrono::duration<double>(duration).count();
  constexpr double kNewest = 0.2;
  prompt_tokens_per_s_ = prompt_tokens_per_s_ == 0.0
                             ? speed
                             : (1.0 - kNewest) * prompt_tokens_per_s_ + kNewest * speed;
}

void StepLoop::EndCancelledAndLate(Clock::time_point now) {
  EndWhere([&](const ActiveRequest& request) { return WhyEnd(request, now); });
}

Status StepLoop::WhyEnd(const ActiveRequest& request, Clock::time_point now) const {
  const OutputChannel& channel = request.output->channel();
  if (channel.cancelled()) return Cancelled("cancelled by the caller");
  if (channel.failed()) return Cancelled("another output of the request failed");
  if (request.sequence.is_paused && now - request.paused >= slow_readers_.cancel_after) {
    return Cancelled("reader: took nothing for {} ms while {} tokens waited",
                     slow_readers_.cancel_after.count(), channel.num_unread_tokens());
  }
  const auto& deadline =
      request.group == nullptr ? request.sequence.request.deadline : request.group->deadline;
  if (!deadline || *deadline > now) return OkStatus();
  return DeadlineExceeded("deadline: passed after {} of {} output tokens",
                          request.sequence.num_output_tokens(),
                          request.sequence.request.max_new_tokens);
}

void StepLoop::UpdatePaused(Clock::time_point now) {
  for (const auto& [key, request] : active_) {
    Sequence& sequence = request->sequence;
    const std::int32_t num_unread = request->output->channel().num_unread_tokens();
    if (!sequence.is_paused && num_unread > slow_readers_.max_unread_tokens) {
      core_.SetPaused(sequence, true);
      request->paused = now;
    } else if (sequence.is_paused && num_unread <= slow_readers_.max_unread_tokens / 2) {
      core_.SetPaused(sequence, false);
    }
    if (sequence.is_paused && sequence.state == SequenceState::kRunning &&
        now - request->paused >= slow_readers_.preempt_after) {
      core_.Preempt(sequence);
    }
  }
}

void StepLoop::HandleResult(const StepResult& result, Clock::time_point end) {
  const auto found = active_.find(result.sequence);
  if (found == active_.end()) return;  // was cancelled meanwhile
  ActiveRequest& request = *found->second;
  OutputProcessor& output = *request.output;
  if (!result.status.ok()) return EndWithError(request, result.status);
  output.OnPromptLogprobs(result.prompt_logprobs);
  const auto num_sampled = static_cast<std::int32_t>(result.tokens.size());
  if (result.num_draft > 0) output.OnDraft(result.num_draft, num_sampled - 1);
  for (const ScoredToken& token : result.tokens) {
    const bool is_complete = result.is_complete && &token == &result.tokens.back();
    if (output.OnToken(token, is_complete, end)) return End(request);
  }
  if (num_sampled == 0 && request.sequence.num_uncomputed() == 0) {
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
  LeaveGroup(request);
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
  const std::int64_t backlog = scheduler.num_backlog_tokens();
  const double wait_s =
      prompt_tokens_per_s_ == 0.0 ? 0.0 : static_cast<double>(backlog) / prompt_tokens_per_s_;
  return {.num_running = scheduler.num_running(),
          .num_waiting = scheduler.num_waiting(),
          .num_free_blocks = core_.allocator().num_free(),
          .num_blocks = core_.allocator().num_blocks(),
          .num_preemptions = scheduler.num_preemptions(),
          .num_backlog_tokens = backlog,
          .expected_wait = std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::duration<double>(wait_s)),
          .prompt_tokens_per_s = prompt_tokens_per_s_};
}

}  // namespace quire::engine
