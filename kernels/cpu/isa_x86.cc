#include "kernels/cpu/isa.h"

namespace quire::kernels::cpu {

// The features named here are those that CMakeLists.txt compiles each file with. The builtin also
// checks that the operating system saves the registers.
std::vector<const Microkernels*> UsableMicrokernels() {
  __builtin_cpu_init();
  std::vector<const Microkernels*> usable;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx512) usable.push_back(&kAvx512Microkernels);
  if (avx2) usable.push_back(&kAvx2Microkernels);
  usable.push_back(&kBaselineMicrokernels);
  return usable;
}

}  // namespace quire::kernels::cpu
