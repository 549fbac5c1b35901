#pragma once

#include <string>

#include "base/status.h"
#include "quire/orchestrator/v1/orchestrator.pb.h"
#include "services/orchestrator/language_model.h"
#include "services/orchestrator/retriever.h"
#include "services/orchestrator/strategies/answer_task.h"
#include "services/orchestrator/strategies/event_writer.h"

namespace quire::services {

// What a task runs with. Borrowed until RunTask returns.
struct TaskRuntime {
  LanguageModel& model;
  Retriever* retriever;    // null: the task names no collection
  std::string request_id;  // for the `started` event
  EventSink sink;          // called on the thread of RunTask
  SteadyClock clock;
};

// Runs one task from its plan to its answer: chooses the strategy, counts every prompt, refuses
// what cannot fit or takes too many calls, then runs, with the events of StreamAsk in their order.
//
// Errors: INVALID_ARGUMENT (CONTEXT_LENGTH_EXCEEDED; RAG on inline documents; no text to read),
// RESOURCE_EXHAUSTED with TOO_MANY_CALLS, ABORTED if a document changed while it was read,
// CANCELLED if the sink has gone, and those of the model and the retriever.
StatusOr<orchestrator::v1::Answer> RunTask(const AnswerTask& task, const TaskRuntime& runtime);

}  // namespace quire::services
