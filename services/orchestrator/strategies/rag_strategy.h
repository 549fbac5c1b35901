#pragma once

#include <vector>

#include "services/orchestrator/strategies/strategy.h"

namespace quire::services {

// Few passages in one prompt: for a question those that a search finds, for a summary some that are
// spread evenly over the documents. The lowest-ranked are left out until the prompt fits; of a best
// one that does not fit alone, the beginning is read.
//
// In the prompt the documents stand in order of their best passage, and the passages of one
// document in reading order: neighbours then read as one text, and what overlaps is shown once.
class RagStrategy final : public Strategy {
 public:
  explicit RagStrategy(const StrategyContext& context) : context_(context) {}

  orchestrator::v1::Strategy kind() const override { return orchestrator::v1::STRATEGY_RAG; }
  // Searches, too.
  StatusOr<StrategyPlan> Prepare() override;
  StatusOr<CitedText> Run() override;

 private:
  StatusOr<std::vector<Passage>> Find();
  // Keeps of ranked_ what fits a prompt, at least the start of the first.
  Status Fit();
  Status FitStartOfFirst();
  StatusOr<bool> Fits(std::span<const Passage> ranked);
  // Declares the documents for the coverage. Returns ABORTED if one is no longer what was found.
  Status CheckVersions();

  const StrategyContext context_;
  std::vector<Passage> ranked_;  // best first
  std::int32_t prompt_tokens_ = 0;
};

// The order of passages in a prompt, see RagStrategy. Bytes that two passages have in common are
// left out of the later one.
std::vector<Passage> OrderForReading(std::span<const Passage> ranked);

}  // namespace quire::services
