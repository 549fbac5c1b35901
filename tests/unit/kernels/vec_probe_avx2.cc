#define QUIRE_ISA avx2
#include "tests/unit/kernels/vec_probe-inl.h"

namespace quire::kernels::cpu {

constexpr VecProbe kAvx2Probe = avx2::Probe("cpu/avx2");

}  // namespace quire::kernels::cpu
