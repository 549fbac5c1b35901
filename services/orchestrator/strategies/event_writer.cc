#include "services/orchestrator/strategies/event_writer.h"

#include <utility>

namespace quire::services {

using orchestrator::v1::AnswerEvent;

EventWriter::EventWriter(EventSink sink, SteadyClock clock)
    : sink_(std::move(sink)), clock_(std::move(clock)), start_(clock_()) {}

Status EventWriter::Started(const orchestrator::v1::Started& started) {
  AnswerEvent event;
  *event.mutable_started() = started;
  return Send(event);
}

Status EventWriter::Progress(std::string_view stage, std::int32_t done, std::int32_t total) {
  AnswerEvent event;
  event.mutable_progress()->set_stage(std::string(stage));
  event.mutable_progress()->set_done(done);
  event.mutable_progress()->set_total(total);
  return Send(event);
}

Status EventWriter::Retrieved(std::span<const Passage> passages) {
  AnswerEvent event;
  for (const Passage& passage : passages) {
    *event.mutable_retrieved()->add_sources() = ToSource(passage);
  }
  event.mutable_retrieved();
  return Send(event);
}

Status EventWriter::Step(const StepReport& step) {
  AnswerEvent event;
  event.mutable_step()->set_kind(step.kind);
  event.mutable_step()->set_index(step.index);
  event.mutable_step()->set_text(std::string(step.text));
  event.mutable_step()->set_truncated(step.truncated);
  for (const Passage& passage : step.sources) {
    *event.mutable_step()->add_sources() = ToSource(passage);
  }
  return Send(event);
}

Status EventWriter::Delta(std::string_view text) {
  if (text.empty()) return OkStatus();
  if (!first_delta_ms_) first_delta_ms_ = elapsed_ms();
  AnswerEvent event;
  event.mutable_delta()->set_text(std::string(text));
  return Send(event);
}

Status EventWriter::Citation(const orchestrator::v1::Citation& citation) {
  AnswerEvent event;
  *event.mutable_citation() = citation;
  return Send(event);
}

Status EventWriter::Answer(const orchestrator::v1::Answer& answer) {
  AnswerEvent event;
  *event.mutable_answer() = answer;
  return Send(event);
}

Status EventWriter::Usage(const orchestrator::v1::Usage& usage) {
  AnswerEvent event;
  *event.mutable_usage() = usage;
  return Send(event);
}

double EventWriter::elapsed_ms() const {
  return std::chrono::duration<double, std::milli>(clock_() - start_).count();
}

Status EventWriter::Send(const AnswerEvent& event) {
  if (!sink_(event)) return Cancelled("answer: the caller has gone");
  return OkStatus();
}

orchestrator::v1::Source ToSource(const Passage& passage) {
  orchestrator::v1::Source source;
  source.set_document(passage.document);
  source.set_title(passage.title);
  source.set_version(passage.version);
  source.set_start(passage.start);
  source.set_end(passage.end);
  source.set_quote(passage.text);
  return source;
}

}  // namespace quire::services
