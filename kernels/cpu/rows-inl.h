#pragma once

#include <cstdint>

#include "kernels/cpu/vec-inl.h"
#include "kernels/paged_attention.h"

// Bodies that go once over one row: conversion and norms.

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

template <typename Element>
void ToF32(const void* from, float* to, std::int64_t count) {
  const auto* p = static_cast<const typename Element::Storage*>(from);
  std::int64_t i = 0;
  for (; i + VecF32::kLanes <= count; i += VecF32::kLanes) Element::Load(p + i).Store(to + i);
  const int rest = static_cast<int>(count - i);
  if (rest > 0) Element::LoadPartial(p + i, rest).StorePartial(to + i, rest);
}

template <typename Element>
void AddToF32(const void* from, float* to, std::int64_t count) {
  const auto* p = static_cast<const typename Element::Storage*>(from);
  std::int64_t i = 0;
  for (; i + VecF32::kLanes <= count; i += VecF32::kLanes) {
    (VecF32::Load(to + i) + Element::Load(p + i)).Store(to + i);
  }
  const int rest = static_cast<int>(count - i);
  if (rest > 0) {
    (VecF32::LoadPartial(to + i, rest) + Element::LoadPartial(p + i, rest))
        .StorePartial(to + i, rest);
  }
}

template <typename Element>
void FromF32(const float* from, void* to, std::int64_t count) {
  auto* p = static_cast<typename Element::Storage*>(to);
  std::int64_t i = 0;
  for (; i + VecF32::kLanes <= count; i += VecF32::kLanes) {
    Element::Store(VecF32::Load(from + i), p + i);
  }
  const int rest = static_cast<int>(count - i);
  if (rest > 0) Element::StorePartial(VecF32::LoadPartial(from + i, rest), p + i, rest);
}

// See StoreKvArgs. Source of the scale: symmetric rounding to the largest magnitude, as in Dettmers
// et al. 2022, "LLM.int8()", section 2.
float QuantizeRow(const float* from, std::int8_t* to, std::int64_t count) {
  VecF32 most = VecF32::Zero();
  VecF32 nan_if_bad = VecF32::Zero();  // x - x is 0 for every finite x
  const auto look = [&](VecF32 x) {
    most = VecF32::Max(VecF32::Max(x, VecF32::Zero() - x), most);
    nan_if_bad = nan_if_bad + (x - x);
  };
  std::int64_t i = 0;
  for (; i + VecF32::kLanes <= count; i += VecF32::kLanes) look(VecF32::Load(from + i));
  const int rest = static_cast<int>(count - i);
  if (rest > 0) look(VecF32::LoadPartial(from + i, rest));
  const float magnitude = most.MaxLane();
  const float check = nan_if_bad.Sum();
  if (check != 0.0f || !(magnitude >= 0x1p-119f)) {
    __builtin_memset(to, 0, static_cast<unsigned long>(count));
    return check;
  }
  const VecF32 inverse = VecF32::Splat(kMaxKvInt8 / magnitude);
  i = 0;
  for (; i + VecF32::kLanes <= count; i += VecF32::kLanes) {
    I8Element::Store(VecF32::Load(from + i) * inverse, to + i);
  }
  if (rest > 0)
    I8Element::StorePartial(VecF32::LoadPartial(from + i, rest) * inverse, to + i, rest);
  return magnitude / kMaxKvInt8;
}

// Adds f(x[i]) over a row, four accumulators deep to hide the latency of the additions.
// `f(VecF32, VecF32 sum)` returns the new sum; zero lanes must add nothing.
template <typename Term>
float SumOver(const float* x, std::int64_t count, Term term) {
  constexpr std::int64_t kLanes = VecF32::kLanes;
  VecF32 sums[4] = {VecF32::Zero(), VecF32::Zero(), VecF32::Zero(), VecF32::Zero()};
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    for (int k = 0; k < 4; ++k) sums[k] = term(VecF32::Load(x + i + k * kLanes), sums[k]);
  }
  for (; i + kLanes <= count; i += kLanes) sums[0] = term(VecF32::Load(x + i), sums[0]);
  const float whole = ((sums[0] + sums[1]) + (sums[2] + sums[3])).Sum();
  const int rest = static_cast<int>(count - i);
  if (rest == 0) return whole;
  return whole + term(VecF32::LoadPartial(x + i, rest), VecF32::Zero()).Sum();
}

float SumOfSquares(const float* x, std::int64_t count) {
  return SumOver(x, count, [](VecF32 v, VecF32 sum) { return VecF32::MulAdd(v, v, sum); });
}

float Sum(const float* x, std::int64_t count) {
  return SumOver(x, count, [](VecF32 v, VecF32 sum) { return sum + v; });
}

void Scale(float* x, float factor, std::int64_t count) {
  const VecF32 f = VecF32::Splat(factor);
  std::int64_t i = 0;
  for (; i + VecF32::kLanes <= count; i += VecF32::kLanes) (VecF32::Load(x + i) * f).Store(x + i);
  for (; i < count; ++i) x[i] *= factor;
}

void RmsNormRow(const float* x, const float* weight, float* out, std::int64_t hidden,
                float epsilon) {
  const float mean_square = SumOfSquares(x, hidden) / static_cast<float>(hidden);
  const float scale = 1.0f / __builtin_sqrtf(mean_square + epsilon);
  const VecF32 s = VecF32::Splat(scale);
  std::int64_t i = 0;
  for (; i + VecF32::kLanes <= hidden; i += VecF32::kLanes) {
    (VecF32::Load(x + i) * s * VecF32::Load(weight + i)).Store(out + i);
  }
  for (; i < hidden; ++i) out[i] = x[i] * scale * weight[i];
}

void LayerNormRow(const float* x, const float* weight, const float* bias, float* out,
                  std::int64_t hidden, float epsilon) {
  const float size = static_cast<float>(hidden);
  const float mean = SumOver(x, hidden, [](VecF32 v, VecF32 sum) { return sum + v; }) / size;
  // Two passes: the mean of squares minus the square of the mean cancels. A partial vector would
  // add mean^2 for every lane beyond the row, hence the scalar tail.
  const VecF32 m = VecF32::Splat(mean);
  const std::int64_t whole = hidden - hidden % VecF32::kLanes;
  float squares = SumOver(x, whole, [m](VecF32 v, VecF32 sum) {
    const VecF32 centred = v - m;
    return VecF32::MulAdd(centred, centred, sum);
  });
  for (std::int64_t i = whole; i < hidden; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const float scale = 1.0f / __builtin_sqrtf(squares / size + epsilon);
  const VecF32 s = VecF32::Splat(scale);
  for (std::int64_t i = 0; i < whole; i += VecF32::kLanes) {
    const VecF32 normal = (VecF32::Load(x + i) - m) * s;
    VecF32::MulAdd(normal, VecF32::Load(weight + i), VecF32::Load(bias + i)).Store(out + i);
  }
  for (std::int64_t i = whole; i < hidden; ++i) {
    out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
  }
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
