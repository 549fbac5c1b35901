#pragma once

#include <cstdint>
#include <vector>

#include "services/orchestrator/citations/cited_text.h"
#include "services/orchestrator/strategies/strategy.h"

namespace quire::services {

// Merges partial results in levels: as many consecutive ones in a call as fit, the calls of a level
// at the same time, until one call takes all that are left. Every call merges at least two results,
// so it ends.
//
// Used by one thread.
class Reducer {
 public:
  explicit Reducer(const StrategyContext& context) : context_(context) {}

  // Counts what a call can take. Returns INVALID_ARGUMENT with CONTEXT_LENGTH_EXCEEDED if two
  // results of full length do not fit.
  Status Prepare();

  // Most calls for so many results, and the tokens of the largest prompt.
  StrategyPlan Plan(std::size_t num_results) const;

  // Merges the results and writes the last call's deltas. One result is taken as it is, none is an
  // answer that says so. Requires Prepare.
  StatusOr<CitedText> Run(std::vector<CitedText> results);

 private:
  // Consecutive results [first, last).
  struct Group {
    std::size_t first = 0;
    std::size_t last = 0;
    std::size_t size() const { return last - first; }
  };

  // The groups of one level. Shortens results that are longer than a call may answer where fewer
  // than results_per_call_ would fit otherwise.
  StatusOr<std::vector<Group>> MakeGroups(std::vector<CitedText>& results) const;
  StatusOr<bool> Fits(std::span<const CitedText> results) const;
  Status Shorten(std::span<CitedText> results, std::int32_t max_tokens) const;
  // The results of one level's calls, in order.
  StatusOr<std::vector<CitedText>> RunLevel(const std::vector<CitedText>& results,
                                            const std::vector<Group>& groups);

  const StrategyContext& context_;
  std::int32_t base_tokens_ = 0;       // of a prompt without results
  std::int32_t results_per_call_ = 0;  // of full length
  std::int32_t num_steps_ = 0;         // reported
};

}  // namespace quire::services
