#include "services/orchestrator/packing/largest_fit.h"

#include <algorithm>

namespace quire::services {

StatusOr<std::size_t> LargestFit(std::size_t high, std::size_t guess,
                                 const std::function<StatusOr<bool>(std::size_t)>& fits) {
  std::size_t good = 0;        // fits
  std::size_t bad = high + 1;  // does not
  bool grew = false;
  bool shrank = false;
  std::size_t step = 1;
  std::size_t n = std::clamp<std::size_t>(guess, 1, std::max<std::size_t>(high, 1));
  while (good + 1 < bad) {
    QUIRE_ASSIGN_OR_RETURN(const bool fit, fits(n));
    (fit ? good : bad) = n;
    (fit ? grew : shrank) = true;
    if (grew && shrank) {  // bracketed: bisect
      n = good + (bad - good) / 2;
    } else if (grew) {
      n = std::min(good + step, bad - 1);
    } else {
      n = bad > step ? std::max(bad - step, good + 1) : good + 1;
    }
    step *= 2;
  }
  return good;
}

}  // namespace quire::services
