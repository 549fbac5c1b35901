#pragma once

#include <cstdint>
#include <memory>

#include "kernels/quant/quantized_weight.h"

namespace quire::kernels {

// The outputs [first, first + count) of `whole` as a weight of its own: one of several layers that
// a checkpoint stores as one. In every format the groups of an output are its own, so that nothing
// is decoded anew. Requires a range inside `whole`.
std::unique_ptr<QuantizedWeight> SliceRows(std::unique_ptr<QuantizedWeight> whole,
                                           std::int64_t first, std::int64_t count);

}  // namespace quire::kernels
