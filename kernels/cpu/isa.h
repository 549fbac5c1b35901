#pragma once

#include <vector>

#include "kernels/cpu/microkernels.h"

namespace quire::kernels::cpu {

// The instruction sets this processor and its operating system support, fastest first. Never empty:
// the baseline is always there.
std::vector<const Microkernels*> UsableMicrokernels();

}  // namespace quire::kernels::cpu
