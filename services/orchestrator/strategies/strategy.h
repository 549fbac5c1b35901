#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "quire/orchestrator/v1/orchestrator.pb.h"
#include "services/orchestrator/language_model.h"
#include "services/orchestrator/packing/source_document.h"
#include "services/orchestrator/prompts/task_prompts.h"
#include "services/orchestrator/retriever.h"
#include "services/orchestrator/strategies/answer_task.h"
#include "services/orchestrator/strategies/coverage.h"
#include "services/orchestrator/strategies/event_writer.h"
#include "services/orchestrator/strategies/model_caller.h"

namespace quire::services {

// What a strategy works with. Everything is borrowed for the time of one task.
struct StrategyContext {
  const AnswerTask& task;
  const TaskPrompts& prompts;
  LanguageModel& model;
  Retriever* retriever;  // null: the task has no collection
  ModelCaller& caller;
  EventWriter& events;
  CoverageTracker& coverage;
  std::int32_t max_answer_tokens;  // of every call
  std::int32_t max_prompt_tokens;  // the context without the answer
};

// What a strategy will do, counted before it does anything.
struct StrategyPlan {
  std::int32_t calls = 0;  // of the model; an upper bound for MapReduceStrategy, else exact
  std::int32_t largest_prompt_tokens = 0;
};

// Turns one task into model and retrieval calls. Used by one thread, once: Prepare, then Run.
class Strategy {
 public:
  virtual ~Strategy() = default;

  virtual orchestrator::v1::Strategy kind() const = 0;
  // Reads documents, builds and counts prompts; runs no prompt. Returns INVALID_ARGUMENT with
  // CONTEXT_LENGTH_EXCEEDED if a prompt cannot fit.
  virtual StatusOr<StrategyPlan> Prepare() = 0;
  // Runs the plan; writes progress, steps and the deltas of the last call, which joined are the
  // text of the result. Sources of the result: those of the last prompt.
  virtual StatusOr<CitedText> Run() = 0;
};

// Runs the last prompt of a task and writes what the model says as deltas. A reply that says
// nothing is replaced by `fallback`, if that has text; an empty reply to a question by the sentence
// that says so.
StatusOr<CitedText> StreamAnswer(const StrategyContext& context, const NumberedPrompt& prompt,
                                 const CitedText& fallback = {});

// Notes the documents, none of them read yet.
void AddDocuments(std::span<const SourceDocument> documents, CoverageTracker& coverage);
// Notes that the ranges were read.
void AddRead(std::span<const SourceDocument> documents, std::span<const TextRange> ranges,
             CoverageTracker& coverage);

}  // namespace quire::services
