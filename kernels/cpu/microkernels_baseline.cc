#define QUIRE_ISA baseline
#include "kernels/cpu/microkernels-inl.h"

namespace quire::kernels::cpu {

constexpr Microkernels kBaselineMicrokernels = baseline::Table("cpu/baseline");

}  // namespace quire::kernels::cpu
