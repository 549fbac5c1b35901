#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "quire/orchestrator/v1/orchestrator.pb.h"
#include "services/orchestrator/retriever.h"

namespace quire::services {

// Hears the events of a task. False: nobody listens any more, the task is to stop.
using EventSink = std::function<bool(const orchestrator::v1::AnswerEvent&)>;
// The time, handed in so that tests can set it.
using SteadyClock = std::function<std::chrono::steady_clock::time_point()>;

// A finished model call before the last one.
struct StepReport {
  orchestrator::v1::StepKind kind = orchestrator::v1::STEP_KIND_UNSPECIFIED;
  std::int32_t index = 0;
  std::string_view text;
  bool truncated = false;
  std::span<const Passage> sources;
};

// Writes the events of one task. Every function returns CANCELLED if nobody listens any more.
//
// Thread-compatible: one thread at a time.
class EventWriter {
 public:
  // Starts the task's time.
  EventWriter(EventSink sink, SteadyClock clock);

  Status Started(const orchestrator::v1::Started& started);
  Status Progress(std::string_view stage, std::int32_t done, std::int32_t total);
  Status Retrieved(std::span<const Passage> passages);
  Status Step(const StepReport& step);
  // Does nothing if `text` is empty.
  Status Delta(std::string_view text);
  Status Citation(const orchestrator::v1::Citation& citation);
  Status Answer(const orchestrator::v1::Answer& answer);
  Status Usage(const orchestrator::v1::Usage& usage);

  // Milliseconds since the task began.
  double elapsed_ms() const;
  // Until the first delta; 0 if there was none.
  double first_delta_ms() const { return first_delta_ms_.value_or(0.0); }

 private:
  Status Send(const orchestrator::v1::AnswerEvent& event);

  const EventSink sink_;
  const SteadyClock clock_;
  const std::chrono::steady_clock::time_point start_;
  std::optional<double> first_delta_ms_;
};

// As a source of the API: place and quote.
orchestrator::v1::Source ToSource(const Passage& passage);

}  // namespace quire::services
