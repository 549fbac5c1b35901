#pragma once

#include "kernels/cpu/vec-inl.h"

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// e^x within 2 ulp. Results below the smallest normal number are zero; NaN stays NaN.
// x = n ln 2 + r with |r| <= ln 2 / 2; e^r = 1 + r + r^2 Q(r), Q of degree 4 interpolating at
// Chebyshev nodes.
VecF32 Exp(VecF32 x) {
  const VecF32 lowest = VecF32::Splat(-87.33654f);  // ln of the smallest normal number
  const VecF32 highest = VecF32::Splat(88.72283f);  // ln of the largest number
  // NaN as the second operand passes both.
  const VecF32 bounded = VecF32::Min(highest, VecF32::Max(lowest, x));
  const VecF32 n = VecF32::Round(bounded * VecF32::Splat(1.44269504f));
  // ln 2 in two parts; the first has 15 bits, so that n times it is exact.
  VecF32 r = VecF32::MulAdd(n, VecF32::Splat(-0.693145752f), bounded);
  r = VecF32::MulAdd(n, VecF32::Splat(-1.42860677e-6f), r);
  VecF32 q = VecF32::Splat(0.00139261836f);
  q = VecF32::MulAdd(q, r, VecF32::Splat(0.00836317905f));
  q = VecF32::MulAdd(q, r, VecF32::Splat(0.0416665546f));
  q = VecF32::MulAdd(q, r, VecF32::Splat(0.16666577f));
  q = VecF32::MulAdd(q, r, VecF32::Splat(0.5f));
  const VecF32 power = VecF32::MulAdd(q, r * r, r) + VecF32::Splat(1.0f);
  const VecF32 result = VecF32::ScaleByPowerOfTwo(power, n);
  const VecF32 finite = VecF32::IfLess(highest, x, VecF32::Splat(__builtin_inff()), result);
  return VecF32::IfLess(x, lowest, VecF32::Zero(), finite);
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
