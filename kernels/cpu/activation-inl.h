#pragma once

#include <cstdint>

#include "kernels/activation.h"
#include "kernels/cpu/exp-inl.h"
#include "kernels/cpu/vec-inl.h"

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// x / (1 + e^-x).
VecF32 Silu(VecF32 x) { return x / (VecF32::Splat(1.0f) + Exp(VecF32::Zero() - x)); }

// x / 2 * (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3).
VecF32 GeluTanh(VecF32 x) {
  const VecF32 cubic = VecF32::MulAdd(x * x, VecF32::Splat(0.044715f), VecF32::Splat(1.0f)) * x;
  return x / (VecF32::Splat(1.0f) + Exp(cubic * VecF32::Splat(-1.59576912f)));
}

// x Phi(x), with Phi(-|x|) = erfc(z) / 2, z = |x| / sqrt 2: no cancellation in the tail.
// erfc(z) = t exp(-z^2 + P(t)), t = 1 / (1 + z / 2), the form of Press et al., "Numerical
// Recipes", section 6.2; P of degree 9 interpolating at Chebyshev nodes for z in [0, 9.5].
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

template <VecF32 (*kFunction)(VecF32)>
void ActivateWith(const float* gate, const float* up, float* out, std::int64_t count) {
  constexpr int kLanes = VecF32::kLanes;
  std::int64_t i = 0;
  if (up == nullptr) {
    for (; i + kLanes <= count; i += kLanes) kFunction(VecF32::Load(gate + i)).Store(out + i);
  } else {
    for (; i + kLanes <= count; i += kLanes) {
      (kFunction(VecF32::Load(gate + i)) * VecF32::Load(up + i)).Store(out + i);
    }
  }
  const int rest = static_cast<int>(count - i);
  if (rest == 0) return;
  VecF32 tail = kFunction(VecF32::LoadPartial(gate + i, rest));
  if (up != nullptr) tail = tail * VecF32::LoadPartial(up + i, rest);
  tail.StorePartial(out + i, rest);
}

void Activate(ActivationKind kind, const float* gate, const float* up, float* out,
              std::int64_t count) {
  switch (kind) {
    case ActivationKind::kSilu:
      return ActivateWith<Silu>(gate, up, out, count);
    case ActivationKind::kGelu:
      return ActivateWith<Gelu>(gate, up, out, count);
    case ActivationKind::kGeluTanh:
      return ActivateWith<GeluTanh>(gate, up, out, count);
    case ActivationKind::kRelu:
      return ActivateWith<Relu>(gate, up, out, count);
  }
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
