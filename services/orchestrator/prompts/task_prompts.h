#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/orchestrator/citations/cited_text.h"
#include "services/orchestrator/language_model.h"
#include "services/orchestrator/retriever.h"

namespace quire::services {

// A prompt in which sources[n - 1] has the number n.
struct NumberedPrompt {
  Prompt prompt;
  std::vector<Passage> sources;
};

// The prompts of one question or one summary. Each is ordered system, passages, question, so that
// prompts about the same passages begin with the same tokens; passages are numbered from 1 in the
// order given, and sources that are only named come after them.
//
// Immutable, so thread-safe.
class TaskPrompts {
 public:
  // `question` must not be empty.
  static TaskPrompts ForQuestion(std::string question);
  // `focus`: what the summary turns on; may be empty.
  static TaskPrompts ForSummary(std::string focus);

  // Answers from the passages, or summarizes them, when there is nothing else to read.
  NumberedPrompt Whole(std::vector<Passage> passages) const;
  // Reads one part of several.
  NumberedPrompt Part(std::vector<Passage> passages) const;
  // Makes one of several partial results.
  NumberedPrompt Merge(std::span<const CitedText> results) const;
  // Improves the result so far with further passages.
  NumberedPrompt Refine(std::vector<Passage> passages, const CitedText& so_far) const;

  // Whether `text` says that the documents have no answer, or nothing at all. A summary says
  // something unless it is empty.
  bool SaysNothing(std::string_view text) const;
  // Whether text that begins with `start` may still turn out to say nothing.
  bool MaySayNothing(std::string_view start) const;
  // The sentence by which the model says so.
  static std::string NoAnswer();

  bool is_question() const { return is_question_; }
  // Of the request, to blame in errors: "question" or "focus".
  std::string_view field() const { return is_question_ ? "question" : "focus"; }

 private:
  TaskPrompts(bool is_question, std::string text)
      : is_question_(is_question), text_(std::move(text)) {}

  // The prompt that reads `passages` as `step` of prompts.txt says.
  NumberedPrompt Read(const std::string& step, std::vector<Passage> passages) const;
  // What the prompt is about, as a value of the prompt library.
  std::pair<const std::string, std::string> Subject() const;

  const bool is_question_;
  const std::string text_;  // the question, or the sentence about the focus
};

}  // namespace quire::services
