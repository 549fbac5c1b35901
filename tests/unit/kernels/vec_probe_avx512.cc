#define QUIRE_ISA avx512
#include "tests/unit/kernels/vec_probe-inl.h"

namespace quire::kernels::cpu {

constexpr VecProbe kAvx512Probe = avx512::Probe("cpu/avx512");

}  // namespace quire::kernels::cpu
