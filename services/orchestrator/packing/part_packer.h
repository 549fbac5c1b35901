#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "services/orchestrator/language_model.h"
#include "services/orchestrator/packing/source_document.h"
#include "services/orchestrator/packing/text_units.h"

namespace quire::services {

// The prompt that shows these passages.
using PromptOfPassages = std::function<Prompt(const std::vector<Passage>&)>;

// What the prompts of a packing may be.
struct PartLimits {
  std::int32_t max_prompt_tokens = 0;
  std::int32_t max_parts = 0;
  std::string field;  // of the request: what to make shorter if no text fits
};

// What one prompt reads: consecutive passages.
struct Part {
  std::vector<TextRange> ranges;
  std::int32_t prompt_tokens = 0;  // of the rendered prompt
};

// Cuts documents into parts, each as many whole sentences as fit a prompt. A sentence that is
// longer than a prompt is cut between words. The parts tile the documents: nothing is left out but
// documents of white space alone.
//
// Thread-compatible.
class PartPacker {
 public:
  // Model and documents are borrowed.
  PartPacker(LanguageModel& model, std::span<const SourceDocument> documents,
             PromptOfPassages prompt_of, PartLimits limits)
      : model_(model),
        documents_(documents),
        prompt_of_(std::move(prompt_of)),
        limits_(std::move(limits)) {}

  // The parts in order. Every limit is settled by counting rendered prompts, about three for each
  // part. Returns INVALID_ARGUMENT with CONTEXT_LENGTH_EXCEEDED if not even 32 bytes of text fit,
  // RESOURCE_EXHAUSTED with TOO_MANY_CALLS once there are too many parts.
  StatusOr<std::vector<Part>> Pack();

 private:
  // Fills units_: the sentences, those cut into words that alone exceed a prompt.
  Status CutAndMeasure();
  // Replaces unit `index` by its words. Returns false if it is as short as can be.
  StatusOr<bool> SplitUnit(std::size_t index);
  // Tokens of the prompt that shows `count` units from `first` on.
  StatusOr<std::int32_t> PromptTokens(std::size_t first, std::size_t count) const;
  // How many units from `first` on fit by their own counts.
  std::size_t Guess(std::size_t first) const;

  LanguageModel& model_;
  const std::span<const SourceDocument> documents_;
  const PromptOfPassages prompt_of_;
  const PartLimits limits_;

  std::vector<TextUnit> units_;
  std::vector<std::int32_t> unit_tokens_;
  std::int32_t overhead_tokens_ = 0;  // of a prompt, besides the units in it
};

}  // namespace quire::services
