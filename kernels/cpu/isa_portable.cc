#include "kernels/cpu/isa.h"

namespace quire::kernels::cpu {

std::vector<const Microkernels*> UsableMicrokernels() { return {&kBaselineMicrokernels}; }

}  // namespace quire::kernels::cpu
