#pragma once

#include "kernels/device.h"

namespace quire::engine {

// Where a layer's operations run. Borrowed for one call.
struct LayerContext {
  const kernels::KernelTable& kernels;
  kernels::Stream& stream;
};

}  // namespace quire::engine
