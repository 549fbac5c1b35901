#define QUIRE_ISA avx2
#include "kernels/cpu/microkernels-inl.h"

namespace quire::kernels::cpu {

constexpr Microkernels kAvx2Microkernels = avx2::Table("cpu/avx2");

}  // namespace quire::kernels::cpu
