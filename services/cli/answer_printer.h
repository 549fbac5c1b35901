#pragma once

#include <map>
#include <string>
#include <string_view>

#include "quire/orchestrator/v1/orchestrator.pb.h"
#include "services/cli/progress.h"
#include "services/cli/terminal.h"

namespace quire::services::cli {

enum class AnswerFormat {
  kText,        // the streamed answer, then its sources
  kJson,        // one Answer
  kJsonEvents,  // one AnswerEvent a line
};

// `text` as one line of at most `max_chars` characters: white space joined, the rest cut at "...".
std::string ShortenToLine(std::string_view text, std::size_t max_chars);

// "[1] handbook.md, bytes 120-340: \"Staff may ...\""
std::string FormatSource(const orchestrator::v1::Citation& citation);

// "strategy rag, 1 model call, 812 prompt tokens (0 cached), ..."
std::string FormatStatistics(const orchestrator::v1::Answer& answer);

// "map-reduce": how the command line calls a strategy.
std::string StrategyName(orchestrator::v1::Strategy strategy);

// Shows one answer while it comes: text or JSON on stdout, progress on stderr.
//
// Thread-compatible.
class AnswerPrinter {
 public:
  // `documents` maps resource names of a temporary collection to the files they stand for: sources
  // name the file.
  AnswerPrinter(AnswerFormat format, const Terminal& terminal,
                std::map<std::string, std::string> documents)
      : format_(format),
        terminal_(terminal),
        documents_(std::move(documents)),
        progress_(terminal.stderr_is_terminal, terminal.columns) {}

  // Takes the events of one task in order.
  void Handle(orchestrator::v1::AnswerEvent event);

  // The answer, complete when the task has ended well.
  const orchestrator::v1::Answer& answer() const { return answer_; }
  // Prints what stands after the last event: the sources, or the JSON answer.
  void Finish(bool with_statistics);

 private:
  void NameFiles(orchestrator::v1::AnswerEvent& event) const;
  void NameFiles(orchestrator::v1::Answer& answer) const;
  void NameFile(orchestrator::v1::Source& source) const;
  void ShowText(const orchestrator::v1::AnswerEvent& event);
  void ShowProgress(const orchestrator::v1::AnswerEvent& event);
  void FinishText();

  const AnswerFormat format_;
  const Terminal terminal_;
  const std::map<std::string, std::string> documents_;
  ProgressLine progress_;
  bool text_started_ = false;
  orchestrator::v1::Answer answer_;
};

}  // namespace quire::services::cli
