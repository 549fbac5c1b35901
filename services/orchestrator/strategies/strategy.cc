#include "services/orchestrator/strategies/strategy.h"

#include <string>
#include <string_view>
#include <utility>

namespace quire::services {

StatusOr<CitedText> StreamAnswer(const StrategyContext& context, const NumberedPrompt& prompt,
                                 const CitedText& fallback) {
  QUIRE_RETURN_IF_ERROR(context.events.Progress("answer", 0, 1));
  // With a fallback nothing is written before it is sure that the reply will stand.
  bool stands = fallback.text.empty();
  std::string held;
  const auto write = [&](std::string_view text) {
    held += text;
    stands = stands || !context.prompts.MaySayNothing(held);
    return stands ? context.events.Delta(std::exchange(held, "")) : OkStatus();
  };
  QUIRE_ASSIGN_OR_RETURN(CitedText reply, context.caller.Stream(prompt, write));
  if (!stands && context.prompts.SaysNothing(reply.text)) {
    reply = fallback;
    held = reply.text;
  } else if (reply.text.empty() && context.prompts.is_question()) {
    reply.text = TaskPrompts::NoAnswer();
    held = reply.text;
  }
  QUIRE_RETURN_IF_ERROR(context.events.Delta(held));
  return reply;
}

void AddDocuments(std::span<const SourceDocument> documents, CoverageTracker& coverage) {
  for (const SourceDocument& document : documents) {
    coverage.AddDocument(document.name, static_cast<std::int64_t>(document.text.size()));
  }
}

void AddRead(std::span<const SourceDocument> documents, std::span<const TextRange> ranges,
             CoverageTracker& coverage) {
  for (const TextRange& range : ranges) {
    coverage.AddRead(documents[range.document].name, static_cast<std::int64_t>(range.start),
                     static_cast<std::int64_t>(range.end));
  }
}

}  // namespace quire::services
