#pragma once

#include "kernels/cpu/exp-inl.h"
#include "kernels/cpu/vec-inl.h"
#include "tests/unit/kernels/vec_probe.h"

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

constexpr int kLanes = VecF32::kLanes;

void StoreParts(VecU8 bytes, float* to) {
  VecF32 parts[4];
  bytes.ToF32(parts);
  for (int p = 0; p < 4; ++p) parts[p].Store(to + p * kLanes);
}

constexpr VecProbe Probe(const char* name) {
  return {
      .name = name,
      .lanes = kLanes,
      .exp =
          [](const float* x, float* y, std::int64_t count) {
            for (std::int64_t i = 0; i < count; i += kLanes) Exp(VecF32::Load(x + i)).Store(y + i);
          },
      .transpose =
          [](const float* from, float* to) {
            VecF32 rows[kLanes];
            for (int i = 0; i < kLanes; ++i) rows[i] = VecF32::Load(from + i * kLanes);
            VecF32::Transpose(rows);
            for (int i = 0; i < kLanes; ++i) rows[i].Store(to + i * kLanes);
          },
      .copy_partial =
          [](const float* from, float* to, int n) {
            const VecF32 v = VecF32::LoadPartial(from, n);
            v.Store(to);
            v.StorePartial(to + kLanes, n);
          },
      .round = [](const float* x, float* y) { VecF32::Round(VecF32::Load(x)).Store(y); },
      .sum = [](const float* x) { return VecF32::Load(x).Sum(); },
      .max_lane = [](const float* x) { return VecF32::Load(x).MaxLane(); },
      .load_f16 = [](const std::uint16_t* from, float* to) { VecF32::LoadF16(from).Store(to); },
      .load_bf16 = [](const std::uint16_t* from, float* to) { VecF32::LoadBF16(from).Store(to); },
      .store_f16 = [](const float* from, std::uint16_t* to) { VecF32::Load(from).StoreF16(to); },
      .store_bf16 = [](const float* from, std::uint16_t* to) { VecF32::Load(from).StoreBF16(to); },
      .load_i8 = [](const std::int8_t* from, float* to) { VecF32::LoadI8(from).Store(to); },
      .store_i8 = [](const float* from, std::int8_t* to) { VecF32::Load(from).StoreI8(to); },
      .bytes_to_f32 = [](const std::uint8_t* b, float* to) { StoreParts(VecU8::Load(b), to); },
      .low_nibbles = [](const std::uint8_t* b,
                        float* to) { StoreParts(VecU8::Load(b).LowNibbles(), to); },
      .high_nibbles = [](const std::uint8_t* b,
                         float* to) { StoreParts(VecU8::Load(b).HighNibbles(), to); },
      .middle_bits = [](const std::uint8_t* b,
                        float* to) { StoreParts(VecU8::Load(b).Bits<2, 2>(), to); },
      .with_bits =
          [](const std::uint8_t* b, const std::uint8_t* high, float* to) {
            StoreParts(VecU8::Load(b).LowNibbles().WithBits<4>(VecU8::Load(high).Bits<0, 2>()), to);
          },
      .lookup =
          [](const float* table, const std::uint8_t* bytes, float* to) {
            VecF32 parts[4];
            VecTable16(table).Lookup(VecU8::Load(bytes), parts);
            for (int p = 0; p < 4; ++p) parts[p].Store(to + p * kLanes);
          },
  };
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
