#include "engine/scheduler/step_budget.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace quire::engine {

double StepBudget::WorkOf(double position, double count) const {
  if (crossover_ == 0) return count;
  return count + count * (position + count / 2.0) / crossover_;
}

std::int32_t StepBudget::Fit(std::int32_t position, std::int32_t wanted,
                             std::int32_t reserved) const {
  const std::int32_t limit = std::min(wanted, tokens_ - std::min(reserved, tokens_));
  const double work = work_ - reserved;
  if (limit <= 0 || work <= 0.0) return 0;
  if (crossover_ == 0) return std::min(limit, static_cast<std::int32_t>(work));
  // The positive root of count^2 / (2 c) + count (1 + position / c) = work.
  const double c = crossover_;
  const double b = 1.0 + position / c;
  const double count = c * (std::sqrt(b * b + 2.0 * work / c) - b);
  return std::min(limit, static_cast<std::int32_t>(count));
}

void StepBudget::Take(std::int32_t position, std::int32_t count) {
  QUIRE_DCHECK(count <= tokens_);
  tokens_ -= count;
  work_ -= WorkOf(position, count);
}

}  // namespace quire::engine
