#include "services/orchestrator/strategies/rag_strategy.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "services/orchestrator/packing/ascii.h"
#include "services/orchestrator/packing/largest_fit.h"
#include "services/orchestrator/packing/text_units.h"
#include "services/orchestrator/strategies/document_loader.h"
#include "services/orchestrator/strategies/passage_sampler.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

// The bytes of `passage` from `start` of its document on, without white space at the front.
Passage From(const Passage& passage, std::int64_t start) {
  Passage rest = passage;
  const std::string_view tail =
      std::string_view(passage.text).substr(static_cast<std::size_t>(start - passage.start));
  rest.text = std::string(tail.substr(std::min(tail.find_first_not_of(kAsciiSpaces), tail.size())));
  rest.start = passage.end - static_cast<std::int64_t>(rest.text.size());
  return rest;
}

// The first `size_bytes` of `passage`, without white space at the end.
Passage StartOf(const Passage& passage, std::size_t size_bytes) {
  Passage start = passage;
  start.text.resize(size_bytes);
  start.text.resize(start.text.find_last_not_of(kAsciiSpaces) + 1);
  start.end = start.start + static_cast<std::int64_t>(start.text.size());
  return start;
}

std::vector<std::string> DocumentsOf(std::span<const Passage> passages) {
  std::vector<std::string> names;
  for (const Passage& passage : passages) {
    if (std::ranges::find(names, passage.document) == names.end()) {
      names.push_back(passage.document);
    }
  }
  return names;
}

}  // namespace

std::vector<Passage> OrderForReading(std::span<const Passage> ranked) {
  std::vector<Passage> ordered;
  for (const std::string& document : DocumentsOf(ranked)) {
    std::vector<Passage> passages;
    std::ranges::copy_if(ranked, std::back_inserter(passages),
                         [&](const Passage& passage) { return passage.document == document; });
    std::ranges::stable_sort(passages, {}, &Passage::start);
    std::int64_t shown_to = 0;
    for (const Passage& passage : passages) {
      if (passage.end <= shown_to) continue;
      Passage shown = passage.start < shown_to ? From(passage, shown_to) : passage;
      shown_to = passage.end;
      if (!shown.text.empty()) ordered.push_back(std::move(shown));
    }
  }
  return ordered;
}

StatusOr<StrategyPlan> RagStrategy::Prepare() {
  QUIRE_ASSIGN_OR_RETURN(ranked_, Find());
  if (ranked_.empty()) return StrategyPlan{};
  QUIRE_RETURN_IF_ERROR(Fit());
  QUIRE_RETURN_IF_ERROR(CheckVersions());
  return StrategyPlan{.calls = 1, .largest_prompt_tokens = prompt_tokens_};
}

StatusOr<std::vector<Passage>> RagStrategy::Find() {
  const AnswerTask& task = context_.task;
  if (task.is_question) {
    return context_.retriever->Search(task.collection, task.subject, task.documents, task.top_k);
  }
  QUIRE_ASSIGN_OR_RETURN(const DocumentList list, ListSources(task, context_.retriever));
  return SamplePassages(list.stored, task.top_k, *context_.retriever);
}

Status RagStrategy::Fit() {
  const auto fits = [this](std::size_t count) { return Fits(std::span(ranked_).first(count)); };
  QUIRE_ASSIGN_OR_RETURN(const std::size_t count, LargestFit(ranked_.size(), ranked_.size(), fits));
  if (count == 0) return FitStartOfFirst();
  ranked_.resize(count);
  return OkStatus();
}

Status RagStrategy::FitStartOfFirst() {
  const Passage first = ranked_.front();
  const std::vector<std::size_t> ends = PieceEnds(first.text);
  const auto start_of = [&](std::size_t num_pieces) {
    return StartOf(first, ends[num_pieces - 1]);
  };
  const auto fits = [&](std::size_t num_pieces) {
    const Passage start = start_of(num_pieces);
    return Fits({&start, 1});
  };
  QUIRE_ASSIGN_OR_RETURN(const std::size_t num_pieces,
                         LargestFit(ends.size(), ends.size() / 2, fits));
  if (num_pieces == 0) {
    const Passage start = start_of(1);
    QUIRE_ASSIGN_OR_RETURN(const std::int32_t tokens, context_.model.CountPromptTokens(
                                                          context_.prompts.Whole({start}).prompt));
    return ContextLengthExceeded(context_.prompts.field(), tokens, context_.max_prompt_tokens);
  }
  ranked_ = {start_of(num_pieces)};
  return OkStatus();
}

StatusOr<bool> RagStrategy::Fits(std::span<const Passage> ranked) {
  const Prompt prompt = context_.prompts.Whole(OrderForReading(ranked)).prompt;
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t tokens, context_.model.CountPromptTokens(prompt));
  if (tokens > context_.max_prompt_tokens) return false;
  prompt_tokens_ = tokens;
  return true;
}

Status RagStrategy::CheckVersions() {
  const std::vector<std::string>& asked = context_.task.documents;
  QUIRE_ASSIGN_OR_RETURN(
      const std::vector<StoredDocument> documents,
      context_.retriever->ListDocuments(context_.task.collection,
                                        asked.empty() ? DocumentsOf(ranked_) : asked));
  for (const StoredDocument& document : documents) {
    context_.coverage.AddDocument(document.name, document.text_bytes);
    for (const Passage& passage : ranked_) {
      if (passage.document == document.name && passage.version != document.version) {
        return Aborted("{}: changed from version {} to {} while it was read", document.name,
                       passage.version, document.version);
      }
    }
  }
  return OkStatus();
}

StatusOr<CitedText> RagStrategy::Run() {
  QUIRE_RETURN_IF_ERROR(context_.events.Progress("retrieve", 1, 1));
  QUIRE_RETURN_IF_ERROR(context_.events.Retrieved(ranked_));
  if (ranked_.empty()) {
    CitedText nothing;
    if (context_.task.is_question) nothing.text = TaskPrompts::NoAnswer();
    QUIRE_RETURN_IF_ERROR(context_.events.Delta(nothing.text));
    return nothing;
  }
  for (const Passage& passage : ranked_) {
    context_.coverage.AddRead(passage.document, passage.start, passage.end);
  }
  return StreamAnswer(context_, context_.prompts.Whole(OrderForReading(ranked_)));
}

}  // namespace quire::services
