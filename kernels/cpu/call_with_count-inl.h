#pragma once

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// Runs Body<n>::Run(args...) for n in [1, kMax]: turns a count into a template argument.
template <int kMax, template <int> typename Body, typename... Args>
void CallWithCount(int n, const Args&... args) {
  if constexpr (kMax > 0) {
    if (n == kMax) {
      Body<kMax>::Run(args...);
    } else {
      CallWithCount<kMax - 1, Body>(n, args...);
    }
  }
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
