#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/engine_core.h"
#include "engine/output_processor.h"
#include "engine/scheduler/sequence.h"

namespace quire::engine {

// The requests of one client that end together.
struct RequestGroup {
  std::int32_t num_active = 0;
  std::optional<std::chrono::steady_clock::time_point> deadline;  // the earliest of all so far
};

// One output of a request from Submit to its last event.
struct ActiveRequest {
  Sequence sequence;
  std::unique_ptr<OutputProcessor> output;
  std::chrono::steady_clock::time_point paused;  // when, if the sequence is paused
  RequestGroup* group = nullptr;                 // of the loop; null if the request has none
};

// Drives the requests of one engine step by step: cancels, deadlines, computing, output. Blocks of
// a request are free before its reader learns that it ended: Step does the one, Deliver the other.
//
// On an asynchronous device a step is enqueued as soon as it is known which outputs go on after the
// one before; the text of that one is made and delivered while the device computes. No step is in
// vain: an output that may end is looked at first.
//
// Engine thread only.
class StepLoop {
 public:
  using Clock = std::chrono::steady_clock;

  // `core` must outlive it.
  StepLoop(EngineCore& core, const SlowReaderLimits& slow_readers)
      : core_(core), slow_readers_(slow_readers) {}

  void Add(std::unique_ptr<ActiveRequest> request);

  // Ends what was cancelled or is late, leaves out what nobody reads, computes one batch. A failed
  // step ends every running request with its error; the waiting ones go on, unless it was
  // UNAVAILABLE: the device is lost. False if there was nothing to compute.
  bool Step();

  // Ends every request of this client and group, CANCELLED.
  void CancelGroup(const std::string& client, const std::string& group);

  // Ends everything, with `status`.
  void FailAll(const Status& status);

  // Gives the readers what the calls before produced.
  void Deliver();

  std::size_t num_active() const { return active_.size(); }
  EngineLoad load() const;

 private:
  using GroupName = std::pair<std::string, std::string>;  // client, group

  // Ends and leaves out what is no longer wanted, and enqueues a step.
  void Begin();
  // `results` of a step while the next is computed, but for those that may end.
  void HandleBesideNext(std::span<const StepResult> results, Clock::time_point end);
  bool MayEnd(const StepResult& result, Clock::time_point now) const;
  void JoinGroup(ActiveRequest& active);
  void LeaveGroup(const ActiveRequest& active);
  void EndCancelledAndLate(Clock::time_point now);
  Status WhyEnd(const ActiveRequest& request, Clock::time_point now) const;
  void UpdatePaused(Clock::time_point now);
  // Notes how long the step took, if it was mostly prompts.
  void MeasureSpeed(std::span<const StepResult> results, std::int64_t num_computed,
                    Clock::duration duration);
  void HandleResult(const StepResult& result, Clock::time_point end);
  // Frees what the request holds; its reader learns of it in Deliver.
  void End(ActiveRequest& request);
  void EndWithError(ActiveRequest& request, Status status);
  // Ends the requests for which `choose` gives an error.
  template <typename Choose>
  void EndWhere(Choose choose);

  EngineCore& core_;
  const SlowReaderLimits slow_readers_;
  std::map<GroupName, RequestGroup> groups_;  // ActiveRequest::group points into it
  double prompt_tokens_per_s_ = 0.0;          // moving average; 0: unknown
  Clock::time_point begin_;                   // of the step
  std::int64_t backlog_ = 0;                  // then
  std::unordered_map<const Sequence*, std::unique_ptr<ActiveRequest>> active_;
  std::vector<std::unique_ptr<ActiveRequest>> ended_;  // to be delivered and forgotten
};

}  // namespace quire::engine
