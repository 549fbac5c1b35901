#include "services/cli/answer_printer.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/utf8.h"
#include "services/cli/json_text.h"
#include "services/cli/resource_names.h"

namespace quire::services::cli {
namespace {

using orchestrator::v1::Answer;
using orchestrator::v1::AnswerEvent;
using orchestrator::v1::Citation;
using orchestrator::v1::Source;

constexpr std::size_t kQuoteChars = 100;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string Plural(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

std::string ShortenToLine(std::string_view text, std::size_t max_chars) {
  std::string line;
  std::size_t chars = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = static_cast<std::size_t>(DecodeUtf8(text, at).length_bytes);
    const bool space = IsSpace(text[at]);
    if (!space || (!line.empty() && line.back() != ' ')) {
      if (chars == max_chars) return line + "...";
      line += space ? " " : text.substr(at, length);
      ++chars;
    }
    at += length;
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string FormatSource(const Citation& citation) {
  const Source& source = citation.source();
  const bool stored = source.document().starts_with("collections/");
  const std::string id = stored ? LastSegment(source.document()) : source.document();
  const bool titled = !source.title().empty() && !id.ends_with(source.title());
  return fmt::format("[{}] {}{}, bytes {}-{}: \"{}\"", citation.number(), id,
                     titled ? fmt::format(" ({})", ShortenToLine(source.title(), kQuoteChars)) : "",
                     source.start(), source.end(), ShortenToLine(source.quote(), kQuoteChars));
}

std::string StrategyName(orchestrator::v1::Strategy strategy) {
  switch (strategy) {
    case orchestrator::v1::STRATEGY_STUFF:
      return "stuff";
    case orchestrator::v1::STRATEGY_MAP_REDUCE:
      return "map-reduce";
    case orchestrator::v1::STRATEGY_REFINE:
      return "refine";
    case orchestrator::v1::STRATEGY_RAG:
      return "rag";
    default:
      return "auto";
  }
}

std::string FormatStatistics(const Answer& answer) {
  const auto& usage = answer.usage();
  return fmt::format(
      "strategy {}, {}, {} ({} cached), {}, retrieval {:.0f} ms, first text {:.0f} ms, "
      "total {:.0f} ms",
      StrategyName(answer.strategy()), Plural(usage.model_calls(), "model call"),
      Plural(usage.prompt_tokens(), "prompt token"), usage.cached_tokens(),
      Plural(usage.completion_tokens(), "completion token"), usage.retrieval_ms(),
      usage.first_delta_ms(), usage.total_ms());
}

void AnswerPrinter::NameFile(Source& source) const {
  const auto file = documents_.find(source.document());
  if (file == documents_.end()) return;
  source.set_document(file->second);
  source.set_version(0);  // as for an inline document: the file is not stored
}

void AnswerPrinter::NameFiles(AnswerEvent& event) const {
  switch (event.event_case()) {
    case AnswerEvent::kRetrieved:
      for (Source& source : *event.mutable_retrieved()->mutable_sources()) NameFile(source);
      break;
    case AnswerEvent::kStep:
      for (Source& source : *event.mutable_step()->mutable_sources()) NameFile(source);
      break;
    case AnswerEvent::kCitation:
      NameFile(*event.mutable_citation()->mutable_source());
      break;
    case AnswerEvent::kAnswer:
      NameFiles(*event.mutable_answer());
      break;
    default:
      break;
  }
}

void AnswerPrinter::NameFiles(Answer& answer) const {
  for (Citation& citation : *answer.mutable_citations()) NameFile(*citation.mutable_source());
  for (auto& coverage : *answer.mutable_coverage()) {
    const auto file = documents_.find(coverage.document());
    if (file != documents_.end()) coverage.set_document(file->second);
  }
}

void AnswerPrinter::Handle(AnswerEvent event) {
  NameFiles(event);
  if (event.has_answer()) answer_ = event.answer();
  if (event.has_usage()) *answer_.mutable_usage() = event.usage();
  if (format_ == AnswerFormat::kJsonEvents) Print(ToJson(event) + "\n");
  if (format_ == AnswerFormat::kText) ShowText(event);
  ShowProgress(event);
}

void AnswerPrinter::ShowText(const AnswerEvent& event) {
  if (!event.has_delta() || event.delta().text().empty()) return;
  progress_.Clear();
  text_started_ = true;
  Print(event.delta().text());
}

void AnswerPrinter::ShowProgress(const AnswerEvent& event) {
  if (!event.has_progress() || text_started_) return;
  const auto& progress = event.progress();
  progress_.Update(progress.stage(), progress.done(), progress.total());
}

void AnswerPrinter::Finish(bool with_statistics) {
  progress_.Clear();
  if (format_ == AnswerFormat::kJson) Print(ToJson(answer_) + "\n");
  if (format_ == AnswerFormat::kText) FinishText();
  if (with_statistics) fmt::print(stderr, "{}\n", FormatStatistics(answer_));
}

void AnswerPrinter::FinishText() {
  if (!text_started_) Print(answer_.text());
  Print("\n");
  if (answer_.no_answer()) fmt::print(stderr, "quire: the documents hold no answer\n");
  if (answer_.truncated()) fmt::print(stderr, "quire: the answer was cut: raise --max-tokens\n");
  if (answer_.citations().empty()) return;
  Print("\n" + Bold("Sources", terminal_.color) + "\n");
  for (const Citation& citation : answer_.citations()) Print(FormatSource(citation) + "\n");
}

}  // namespace quire::services::cli
