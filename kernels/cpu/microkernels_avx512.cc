#define QUIRE_ISA avx512
#include "kernels/cpu/microkernels-inl.h"

namespace quire::kernels::cpu {

constexpr Microkernels kAvx512Microkernels = avx512::Table("cpu/avx512");

}  // namespace quire::kernels::cpu
