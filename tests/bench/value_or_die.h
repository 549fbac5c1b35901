#pragma once

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/status.h"

namespace quire::kernels {

// The value; without one a benchmark prints why and ends.
template <typename T>
T ValueOrDie(StatusOr<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(result);
}

}  // namespace quire::kernels
