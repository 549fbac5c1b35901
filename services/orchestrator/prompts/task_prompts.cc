#include "services/orchestrator/prompts/task_prompts.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "services/orchestrator/citations/marker.h"
#include "services/orchestrator/packing/ascii.h"
#include "services/orchestrator/prompts/prompt_library.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

constexpr std::size_t kMaxLabelBytes = 120;

std::string Render(std::string_view section, PromptLibrary::Values values) {
  values["no_answer"] = TaskPrompts::NoAnswer();
  return PromptLibrary::Embedded().Render(section, values);
}

Prompt RenderStep(const std::string& step, const PromptLibrary::Values& values) {
  return {.system = Render(step + ".system", values), .user = Render(step + ".user", values)};
}

// Title and headings on one line, long ones cut.
std::string Label(const Passage& passage) {
  std::string label = passage.title;
  for (const std::string& heading : passage.headings) label += " > " + heading;
  std::ranges::replace_if(label, IsAsciiSpace, ' ');
  return TruncateText(EscapeMarkers(label), kMaxLabelBytes);
}

std::string RenderPassages(std::span<const Passage> passages) {
  std::string out;
  for (std::size_t i = 0; i < passages.size(); ++i) {
    if (i > 0) out += "\n\n";
    out += Render("passage", {{"number", std::to_string(i + 1)},
                              {"label", Label(passages[i])},
                              {"text", EscapeMarkers(passages[i].text)}});
  }
  return out;
}

std::string ToLowerAscii(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// How every form of the sentence begins: "the documents do not say".
std::string NoAnswerStart() {
  std::string sentence = ToLowerAscii(TaskPrompts::NoAnswer());
  sentence.resize(sentence.find_last_not_of('.') + 1);
  return sentence;
}

}  // namespace

TaskPrompts TaskPrompts::ForQuestion(std::string question) {
  return {/*is_question=*/true, EscapeMarkers(question)};
}

TaskPrompts TaskPrompts::ForSummary(std::string focus) {
  if (TrimAscii(focus).empty()) return {/*is_question=*/false, ""};
  return {/*is_question=*/false, Render("focus", {{"focus", EscapeMarkers(focus)}})};
}

NumberedPrompt TaskPrompts::Whole(std::vector<Passage> passages) const {
  return Read(is_question_ ? "answer" : "summarize", std::move(passages));
}

NumberedPrompt TaskPrompts::Part(std::vector<Passage> passages) const {
  return Read(is_question_ ? "map_question" : "summarize", std::move(passages));
}

NumberedPrompt TaskPrompts::Read(const std::string& step, std::vector<Passage> passages) const {
  return {.prompt = RenderStep(step, {{"passages", RenderPassages(passages)}, Subject()}),
          .sources = std::move(passages)};
}

NumberedPrompt TaskPrompts::Merge(std::span<const CitedText> results) const {
  SourceNumbers numbers;
  std::string notes;
  for (const CitedText& result : results) {
    notes += Render("note", {{"text", Renumber(result, numbers)}}) + "\n";
  }
  return {.prompt = RenderStep(is_question_ ? "reduce_question" : "merge_summaries",
                               {{"notes", std::string(TrimAscii(notes))}, Subject()}),
          .sources = numbers.sources()};
}

NumberedPrompt TaskPrompts::Refine(std::vector<Passage> passages, const CitedText& so_far) const {
  const std::string rendered = RenderPassages(passages);
  SourceNumbers numbers(std::move(passages));
  const std::string answer = Renumber(so_far, numbers);
  return {.prompt = RenderStep(is_question_ ? "refine_question" : "refine_summary",
                               {{"passages", rendered}, {"answer", answer}, Subject()}),
          .sources = numbers.sources()};
}

bool TaskPrompts::SaysNothing(std::string_view text) const {
  text = TrimAscii(text);
  if (text.empty()) return true;
  return is_question_ && ToLowerAscii(text).starts_with(NoAnswerStart()) &&
         FindMarkers(text, std::numeric_limits<int>::max()).empty();
}

bool TaskPrompts::MaySayNothing(std::string_view start) const {
  start = TrimAscii(start);
  if (start.empty()) return true;
  const std::string sentence = NoAnswerStart();
  return is_question_ && ToLowerAscii(start.substr(0, sentence.size())) ==
                             std::string_view(sentence).substr(0, start.size());
}

std::string TaskPrompts::NoAnswer() { return PromptLibrary::Embedded().Render("no_answer", {}); }

std::pair<const std::string, std::string> TaskPrompts::Subject() const {
  return {is_question_ ? "question" : "focus", text_};
}

}  // namespace quire::services
