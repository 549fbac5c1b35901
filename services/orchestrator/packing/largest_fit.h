#pragma once

#include <cstddef>
#include <functional>

#include "base/status.h"

namespace quire::services {

// The largest n in [0, high] with fits(n), which must be true up to some n and false from there
// on; fits(0) is taken for granted. Starts at `guess` and takes two calls if that is the answer,
// O(log |answer - guess|) otherwise. Returns the first error of `fits`.
StatusOr<std::size_t> LargestFit(std::size_t high, std::size_t guess,
                                 const std::function<StatusOr<bool>(std::size_t)>& fits);

}  // namespace quire::services
