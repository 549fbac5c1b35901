#pragma once

#include <cstdint>

#include "kernels/cpu/exp-inl.h"
#include "kernels/cpu/vec-inl.h"

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// tanh(x) = (1 - e^-2|x|) / (1 + e^-2|x|) with the sign of x. Below 1/4, where the difference would
// cancel, the Taylor series up to x^11, whose next term is below 2^-28 of x.
VecF32 Tanh(VecF32 x) {
  const VecF32 one = VecF32::Splat(1.0f);
  const VecF32 magnitude = VecF32::Max(x, VecF32::Zero() - x);
  const VecF32 power = Exp(magnitude * VecF32::Splat(-2.0f));
  const VecF32 ratio = (one - power) / (one + power);
  const VecF32 signed_ratio = VecF32::IfLess(x, VecF32::Zero(), VecF32::Zero() - ratio, ratio);

  const VecF32 square = x * x;
  VecF32 p = VecF32::Splat(-1382.0f / 155925.0f);
  p = VecF32::MulAdd(p, square, VecF32::Splat(62.0f / 2835.0f));
  p = VecF32::MulAdd(p, square, VecF32::Splat(-17.0f / 315.0f));
  p = VecF32::MulAdd(p, square, VecF32::Splat(2.0f / 15.0f));
  p = VecF32::MulAdd(p, square, VecF32::Splat(-1.0f / 3.0f));
  const VecF32 series = VecF32::MulAdd(p * square, x, x);
  return VecF32::IfLess(magnitude, VecF32::Splat(0.25f), series, signed_ratio);
}

VecF32 SoftCapOf(VecF32 x, VecF32 cap) { return cap * Tanh(x / cap); }

void SoftCap(float* x, float cap, std::int64_t count) {
  constexpr int kLanes = VecF32::kLanes;
  const VecF32 c = VecF32::Splat(cap);
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) SoftCapOf(VecF32::Load(x + i), c).Store(x + i);
  const int rest = static_cast<int>(count - i);
  if (rest > 0) SoftCapOf(VecF32::LoadPartial(x + i, rest), c).StorePartial(x + i, rest);
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
