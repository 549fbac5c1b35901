#define QUIRE_ISA baseline
#include "tests/unit/kernels/vec_probe-inl.h"

namespace quire::kernels::cpu {

constexpr VecProbe kBaselineProbe = baseline::Probe("cpu/baseline");

}  // namespace quire::kernels::cpu
