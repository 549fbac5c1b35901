#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

#include "services/orchestrator/strategies/task_runner.h"
#include "tests/support/fake_language_model.h"
#include "tests/support/fake_retriever.h"
#include "tests/support/status_matchers.h"

namespace quire::testing {

using services::AnswerTask;
using EventCase = orchestrator::v1::AnswerEvent::EventCase;
using orchestrator::v1::AnswerEvent;

// What a model says that finds no answer.
inline constexpr char kNoAnswer[] = "The documents do not say.";

// A task that was run, with what it wrote.
struct TaskRun {
  StatusOr<orchestrator::v1::Answer> answer;
  std::vector<AnswerEvent> events;

  std::vector<AnswerEvent> Events(EventCase kind) const {
    std::vector<AnswerEvent> chosen;
    for (const AnswerEvent& event : events) {
      if (event.event_case() == kind) chosen.push_back(event);
    }
    return chosen;
  }
  std::string JoinedDeltas() const {
    std::string text;
    for (const AnswerEvent& event : events) text += event.delta().text();
    return text;
  }
  const orchestrator::v1::Started& started() const { return events.front().started(); }
};

// Runs a task on a clock that stands still unless `clock` is given.
inline TaskRun Perform(
    const AnswerTask& task, services::LanguageModel& model,
    services::Retriever* retriever = nullptr,
    const services::SteadyClock& clock = [] { return std::chrono::steady_clock::time_point(); }) {
  TaskRun run = {.answer = Internal("not run"), .events = {}};
  run.answer = services::RunTask(task, {.model = model,
                                        .retriever = retriever,
                                        .request_id = "request-1",
                                        .sink =
                                            [&](const AnswerEvent& event) {
                                              run.events.push_back(event);
                                              return true;
                                            },
                                        .clock = clock});
  return run;
}

inline AnswerTask Question(orchestrator::v1::Strategy strategy) {
  AnswerTask task;
  task.subject = "How long is leave?";
  task.strategy = strategy;
  return task;
}

inline AnswerTask Summary(orchestrator::v1::Strategy strategy) {
  AnswerTask task;
  task.is_question = false;
  task.strategy = strategy;
  return task;
}

inline services::SourceDocument Document(const std::string& name, const std::string& text) {
  return {.name = name, .title = "Title of " + name, .version = 0, .text = text};
}

// `count` sentences of six words, each with its number.
inline std::string Sentences(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "This is the sentence number " + std::to_string(i) + ". ";
  }
  return text;
}

inline bool IsMap(const services::Prompt& prompt) {
  return prompt.system.starts_with("Write what the passages say");
}
inline bool IsReduce(const services::Prompt& prompt) {
  return prompt.system.starts_with("Answer the question from the notes") ||
         prompt.system.starts_with("Write one summary from the notes");
}
inline bool IsRefine(const services::Prompt& prompt) {
  return prompt.system.starts_with("Improve the answer") ||
         prompt.system.starts_with("Extend the summary");
}

// Every citation's quote is the bytes it names, and its markers stand where it says.
inline void ExpectSoundCitations(const orchestrator::v1::Answer& answer,
                                 const std::vector<services::SourceDocument>& documents) {
  for (const auto& citation : answer.citations()) {
    const auto& source = citation.source();
    const auto document =
        std::ranges::find(documents, source.document(), &services::SourceDocument::name);
    ASSERT_NE(document, documents.end()) << source.document();
    ASSERT_LT(source.start(), source.end());
    ASSERT_EQ(document->text.substr(static_cast<std::size_t>(source.start()),
                                    static_cast<std::size_t>(source.end() - source.start())),
              source.quote());
    for (const auto offset : citation.marker_offsets()) {
      const std::string marker = "[" + std::to_string(citation.number()) + "]";
      ASSERT_EQ(answer.text().substr(static_cast<std::size_t>(offset), marker.size()), marker);
    }
  }
}

}  // namespace quire::testing
