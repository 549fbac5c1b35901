#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "engine/engine_core.h"
#include "engine/output_processor.h"
#include "engine/scheduler/sequence.h"

namespace quire::engine {

// A request from Submit to its last event.
struct ActiveRequest {
  Sequence sequence;
  std::unique_ptr<OutputProcessor> output;
};

// Drives the requests of one engine step by step: cancels, deadlines, computing, output. Blocks of
// a request are free before its reader learns that it ended: Step does the one, Deliver the other.
//
// Engine thread only.
class StepLoop {
 public:
  using Clock = std::chrono::steady_clock;

  // `core` must outlive it.
  explicit StepLoop(EngineCore& core) : core_(core) {}

  void Add(std::unique_ptr<ActiveRequest> request);

  // Ends what was cancelled or is late, then computes one batch, if there is one. A failed step
  // ends every running request with its error; the waiting ones go on.
  void Step();

  // Ends everything, with `status`.
  void FailAll(const Status& status);

  // Gives the readers what the calls before produced.
  void Deliver();

  std::size_t num_active() const { return active_.size(); }
  EngineLoad load() const;

 private:
  void EndCancelledAndLate(Clock::time_point now);
  void HandleResult(const StepResult& result, Clock::time_point begin, Clock::time_point end);
  // Frees what the request holds; its reader learns of it in Deliver.
  void End(ActiveRequest& request);
  void EndWithError(ActiveRequest& request, Status status);
  // Ends the requests for which `choose` gives an error.
  template <typename Choose>
  void EndWhere(Choose choose);

  EngineCore& core_;
  std::unordered_map<const Sequence*, std::unique_ptr<ActiveRequest>> active_;
  std::vector<std::unique_ptr<ActiveRequest>> ended_;  // to be delivered and forgotten
};

}  // namespace quire::engine
