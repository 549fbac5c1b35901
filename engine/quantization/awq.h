#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/quantization/input_moments.h"
#include "kernels/device.h"

namespace quire::engine {

// AWQ: few input channels carry most of a layer's output, so their weights are multiplied by
// factors above 1 before rounding, and the channels themselves divided by them, which costs nothing
// where the layer before can take the division. Source: Lin et al. 2024, "AWQ: Activation-aware
// Weight Quantization for LLM Compression and Acceleration", section 3.2.

// The factors [in] for the layers of `weights`, each [out, in] dense f32, which share an input:
// those among powers of the channels' mean |x|, with and without the weights' own size, under which
// rounding to groups of `group_size` changes the outputs least, in the sum of squares that
// `moments` weighs. All 1 if no others are better. Of a large weight only some rows are tried.
// Returns INTERNAL if a kernel failed. Requires a CPU device; group_size divides in.
StatusOr<std::vector<float>> SearchAwqFactors(std::span<const kernels::MatrixView> weights,
                                              const InputMoments& moments, std::int64_t group_size,
                                              kernels::Device& device);

}  // namespace quire::engine
