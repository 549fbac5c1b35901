#pragma once

#include "kernels/cpu/vec-inl.h"

// Polynomials: interpolation at Chebyshev nodes of the stated interval, fitted in f64.

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// e^x within 2 ulp. Results below the smallest normal number are zero; NaN stays NaN.
// x = n ln 2 + r with |r| <= ln 2 / 2; e^r = 1 + r + r^2 Q(r), Q of degree 4.
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

// x / (1 + e^-x).
VecF32 Silu(VecF32 x) { return x / (VecF32::Splat(1.0f) + Exp(VecF32::Zero() - x)); }

// x / 2 * (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3).
VecF32 GeluTanh(VecF32 x) {
  const VecF32 cubic = VecF32::MulAdd(x * x, VecF32::Splat(0.044715f), VecF32::Splat(1.0f)) * x;
  return x / (VecF32::Splat(1.0f) + Exp(cubic * VecF32::Splat(-1.59576912f)));
}

// x Phi(x), with Phi(-|x|) = erfc(z) / 2, z = |x| / sqrt 2: no cancellation in the tail.
// erfc(z) = t exp(-z^2 + P(t)), t = 1 / (1 + z / 2), the form of Press et al., "Numerical
// Recipes", section 6.2; P of degree 9 fitted on z in [0, 9.5].
VecF32 Gelu(VecF32 x) {
  const VecF32 one = VecF32::Splat(1.0f);
  const VecF32 z = VecF32::Max(x, VecF32::Zero() - x) * VecF32::Splat(0.707106781f);
  const VecF32 t = one / VecF32::MulAdd(z, VecF32::Splat(0.5f), one);
  VecF32 p = VecF32::Splat(0.143224678f);
  p = VecF32::MulAdd(p, t, VecF32::Splat(-0.671311091f));
  p = VecF32::MulAdd(p, t, VecF32::Splat(1.13369784f));
  p = VecF32::MulAdd(p, t, VecF32::Splat(-0.66457127f));
  p = VecF32::MulAdd(p, t, VecF32::Splat(-0.107486592f));
  p = VecF32::MulAdd(p, t, VecF32::Splat(0.0163509992f));
  p = VecF32::MulAdd(p, t, VecF32::Splat(0.0292226816f));
  p = VecF32::MulAdd(p, t, VecF32::Splat(0.387826407f));
  p = VecF32::MulAdd(p, t, VecF32::Splat(0.998486768f));
  p = VecF32::MulAdd(p, t, VecF32::Splat(-1.26544038f));
  const VecF32 half_erfc = t * Exp(p - z * z) * VecF32::Splat(0.5f);
  return x * VecF32::IfLess(x, VecF32::Zero(), half_erfc, one - half_erfc);
}

VecF32 Relu(VecF32 x) { return VecF32::Max(VecF32::Zero(), x); }

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
