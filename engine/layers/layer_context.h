#pragma once

#include "engine/layers/linear_observer.h"
#include "kernels/device.h"

namespace quire::engine {

// Where a layer's operations run. Borrowed for one call.
struct LayerContext {
  const kernels::KernelTable& kernels;
  kernels::Stream& stream;
  LinearObserver* observer = nullptr;  // null: nobody looks
};

}  // namespace quire::engine
