#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cmath>
#include <type_traits>

#include "tests/support/cuda_emulator/fragments.h"

// Stands for the file of this path in the source tree. Contracts: there.

namespace quire::kernels::cuda {

inline unsigned char* DynamicSharedMemory() { return cuda_emulator::DynamicShared(); }

inline void CpAsync16(void* shared, const void* global, int source_bytes) {
  cuda_emulator::BeginCopy(shared, global, 16, static_cast<std::size_t>(source_bytes));
}
inline void CpAsync4(void* shared, const void* global, int source_bytes) {
  cuda_emulator::BeginCopy(shared, global, 4, static_cast<std::size_t>(source_bytes));
}
inline void CpAsyncCommit() { cuda_emulator::CommitCopies(); }
template <int kPending>
void CpAsyncWait() {
  cuda_emulator::WaitForCopies(kPending);
}

inline void LdMatrix4(unsigned (&r)[4], const void* row) {
  cuda_emulator::LdMatrix(r, row, /*transposed=*/false);
}
inline void LdMatrix4Transposed(unsigned (&r)[4], const void* row) {
  cuda_emulator::LdMatrix(r, row, /*transposed=*/true);
}

template <typename T>
void MmaM16N8K16(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  static_assert(std::is_same_v<T, __half> || std::is_same_v<T, __nv_bfloat16>);
  if constexpr (std::is_same_v<T, __half>) {
    cuda_emulator::MmaF16(c, a, b0, b1);
  } else {
    cuda_emulator::MmaBF16(c, a, b0, b1);
  }
}
inline void MmaM16N8K32(int (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  cuda_emulator::MmaI8(c, a, b0, b1);
}

inline float Exp2Approx(float x) {
  return x < -126.0f ? 0.0f : cuda_emulator::WithError(std::exp2(x), 0x1p-22f);
}

template <typename T>
unsigned PackHalves(float low, float high) {
  if constexpr (std::is_same_v<T, __half>) {
    return __float2half_rn(low).bits | unsigned{__float2half_rn(high).bits} << 16;
  } else {
    return __float2bfloat16_rn(low).bits | unsigned{__float2bfloat16_rn(high).bits} << 16;
  }
}

template <int kTable>
unsigned Lop3(unsigned a, unsigned b, unsigned c) {
  unsigned result = 0;
  for (int bits = 0; bits < 8; ++bits) {
    if ((kTable >> bits & 1) == 0) continue;
    result |= ((bits & 4) != 0 ? a : ~a) & ((bits & 2) != 0 ? b : ~b) & ((bits & 1) != 0 ? c : ~c);
  }
  return result;
}

}  // namespace quire::kernels::cuda
