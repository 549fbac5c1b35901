#pragma once

#include <cstdint>

// What vec_test.cc asks of VecF32 and of the functions built on it: a table per instruction set,
// compiled with the flags of that set.

namespace quire::kernels::cpu {

struct VecProbe {
  const char* name;  // of the device with this instruction set
  int lanes;
  void (*exp)(const float* x, float* y, std::int64_t count);  // count: a multiple of `lanes`
  void (*transpose)(const float* from, float* to);            // [lanes, lanes]
  void (*copy_partial)(const float* from, float* to, int n);
  void (*round)(const float* x, float* y);  // [lanes]
  float (*sum)(const float* x);
  float (*max_lane)(const float* x);
  void (*load_f16)(const std::uint16_t* from, float* to);
  void (*load_bf16)(const std::uint16_t* from, float* to);
  void (*store_f16)(const float* from, std::uint16_t* to);
  void (*store_bf16)(const float* from, std::uint16_t* to);
  void (*load_i8)(const std::int8_t* from, float* to);
  void (*store_i8)(const float* from, std::int8_t* to);
  // `bytes`: [4 * lanes]; `to`: [4, lanes], the four parts.
  void (*bytes_to_f32)(const std::uint8_t* bytes, float* to);
  void (*low_nibbles)(const std::uint8_t* bytes, float* to);
  void (*high_nibbles)(const std::uint8_t* bytes, float* to);
  // Bits 2 and 3; the low nibbles of `bytes` with the low two bits of `high` above them.
  void (*middle_bits)(const std::uint8_t* bytes, float* to);
  void (*with_bits)(const std::uint8_t* bytes, const std::uint8_t* high, float* to);
  void (*lookup)(const float* table, const std::uint8_t* bytes, float* to);
};

extern const VecProbe kBaselineProbe;
extern const VecProbe kAvx2Probe;
extern const VecProbe kAvx512Probe;

}  // namespace quire::kernels::cpu
