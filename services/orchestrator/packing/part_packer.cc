#include "services/orchestrator/packing/part_packer.h"

#include <numeric>
#include <utility>

#include "services/orchestrator/packing/call_limit.h"
#include "services/orchestrator/packing/largest_fit.h"
#include "services/orchestrator/packing/unit_tokens.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

// A unit this short is not cut again: a model with less room than this reads nothing.
constexpr std::size_t kShortestUnitBytes = 32;

}  // namespace

StatusOr<std::vector<Part>> PartPacker::Pack() {
  QUIRE_ASSIGN_OR_RETURN(overhead_tokens_, model_.CountPromptTokens(prompt_of_({})));
  if (overhead_tokens_ >= limits_.max_prompt_tokens) {
    return ContextLengthExceeded(limits_.field, overhead_tokens_, limits_.max_prompt_tokens);
  }
  QUIRE_RETURN_IF_ERROR(CutAndMeasure());
  std::vector<Part> parts;
  for (std::size_t first = 0; first < units_.size();) {
    std::int32_t smallest_tokens = 0;
    std::int32_t largest_fit_tokens = 0;
    const auto fits = [&](std::size_t count) -> StatusOr<bool> {
      QUIRE_ASSIGN_OR_RETURN(const std::int32_t tokens, PromptTokens(first, count));
      if (count == 1) smallest_tokens = tokens;
      if (tokens > limits_.max_prompt_tokens) return false;
      largest_fit_tokens = tokens;
      return true;
    };
    QUIRE_ASSIGN_OR_RETURN(const std::size_t count,
                           LargestFit(units_.size() - first, Guess(first), fits));
    if (count == 0) {
      QUIRE_ASSIGN_OR_RETURN(const bool split, SplitUnit(first));
      if (!split)
        return ContextLengthExceeded(limits_.field, smallest_tokens, limits_.max_prompt_tokens);
      continue;
    }
    if (static_cast<std::int32_t>(parts.size()) == limits_.max_parts) {
      return TooManyCalls(limits_.max_parts + 1, limits_.max_parts);
    }
    const auto read = std::span(units_).subspan(first, count);
    parts.push_back({.ranges = JoinIntoPassages(read), .prompt_tokens = largest_fit_tokens});
    const auto read_tokens = std::span(unit_tokens_).subspan(first, count);
    // The next prompt has about as many labels and seams as this one.
    overhead_tokens_ =
        largest_fit_tokens - std::accumulate(read_tokens.begin(), read_tokens.end(), 0);
    first += count;
  }
  return parts;
}

Status PartPacker::CutAndMeasure() {
  const std::vector<TextUnit> sentences = CutIntoUnits(documents_);
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::int32_t> tokens,
                         CountUnitTokens(model_, documents_, sentences));
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    if (tokens[i] <= limits_.max_prompt_tokens - overhead_tokens_) {
      units_.push_back(sentences[i]);
      unit_tokens_.push_back(tokens[i]);
      continue;
    }
    const std::vector<TextUnit> words = SplitIntoWords(documents_, sentences[i]);
    QUIRE_ASSIGN_OR_RETURN(const std::vector<std::int32_t> word_tokens,
                           CountUnitTokens(model_, documents_, words));
    units_.insert(units_.end(), words.begin(), words.end());
    unit_tokens_.insert(unit_tokens_.end(), word_tokens.begin(), word_tokens.end());
  }
  return OkStatus();
}

StatusOr<bool> PartPacker::SplitUnit(std::size_t index) {
  if (units_[index].range.size_bytes() <= kShortestUnitBytes) return false;
  const std::vector<TextUnit> words = SplitIntoWords(documents_, units_[index]);
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::int32_t> tokens,
                         CountUnitTokens(model_, documents_, words));
  const auto at = static_cast<std::ptrdiff_t>(index);
  units_.erase(units_.begin() + at);
  units_.insert(units_.begin() + at, words.begin(), words.end());
  unit_tokens_.erase(unit_tokens_.begin() + at);
  unit_tokens_.insert(unit_tokens_.begin() + at, tokens.begin(), tokens.end());
  return true;
}

StatusOr<std::int32_t> PartPacker::PromptTokens(std::size_t first, std::size_t count) const {
  const auto ranges = JoinIntoPassages(std::span(units_).subspan(first, count));
  return model_.CountPromptTokens(prompt_of_(PassagesOf(documents_, ranges)));
}

std::size_t PartPacker::Guess(std::size_t first) const {
  std::int64_t tokens = overhead_tokens_;
  std::size_t last = first;
  while (last < units_.size() && tokens + unit_tokens_[last] <= limits_.max_prompt_tokens) {
    tokens += unit_tokens_[last++];
  }
  return last - first;
}

}  // namespace quire::services
