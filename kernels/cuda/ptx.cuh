#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

// The instructions that CUDA C++ has no function for, one function each and nothing else: the only
// inline assembly. A build for the emulator (tests/support/cuda_emulator) finds a file of this path
// with the same functions first.
// Source: PTX ISA 9.0, the section named at each function. All need sm_80.

namespace quire::kernels::cuda {

// The dynamic shared memory of the block, aligned to 128 bytes.
__device__ __forceinline__ unsigned char* DynamicSharedMemory() {
  extern __shared__ __align__(128) unsigned char dynamic_shared_memory[];
  return dynamic_shared_memory;
}

__device__ __forceinline__ unsigned SharedAddress(const void* shared) {
  return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}

// --- asynchronous copies, "cp.async" ------------------------------------------------------------

// Copies 16 bytes of which the first `source_bytes` (at most 16) are read, the rest becoming zero.
// Both addresses are multiples of 16. Past L1.
__device__ __forceinline__ void CpAsync16(void* shared, const void* global, int source_bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(SharedAddress(shared)),
               "l"(global), "r"(source_bytes)
               : "memory");
}
// The same for 4 bytes and multiples of 4. Through L1.
__device__ __forceinline__ void CpAsync4(void* shared, const void* global, int source_bytes) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;\n" ::"r"(SharedAddress(shared)),
               "l"(global), "r"(source_bytes)
               : "memory");
}
__device__ __forceinline__ void CpAsyncCommit() {
  asm volatile("cp.async.commit_group;\n" ::: "memory");
}
// Waits until at most the last `kPending` groups of this thread are under way. What other threads
// copied is there after a barrier.
template <int kPending>
__device__ __forceinline__ void CpAsyncWait() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(kPending) : "memory");
}

// --- matrix fragments, "ldmatrix" ---------------------------------------------------------------

// Loads four 8 x 8 matrices of 16-bit elements. Lane l gives the address, a multiple of 16, of row
// l % 8 of matrix l / 8. r[i] of lane l has the elements 2 * (l % 4) and the next of row l / 4 of
// matrix i.
__device__ __forceinline__ void LdMatrix4(unsigned (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(SharedAddress(row))
               : "memory");
}
// The same transposed: r[i] of lane l has the elements l / 4 of the rows 2 * (l % 4) and the next.
__device__ __forceinline__ void LdMatrix4Transposed(unsigned (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(SharedAddress(row))
               : "memory");
}

// --- products of fragments, "mma" ---------------------------------------------------------------

// c += a b for one warp: c [16, 8] f32, a [16, 16] and b [16, 8] of T, __half or __nv_bfloat16.
// With g = lane / 4 and t = lane % 4, low half first:
//   a[0], a[1]: rows g and g + 8, columns 2t and 2t + 1; a[2], a[3]: the same, columns + 8
//   b[0], b[1]: rows 2t and 2t + 1, and those + 8, of column g
//   c[0], c[1]: row g, columns 2t and 2t + 1; c[2], c[3]: row g + 8
template <typename T>
__device__ __forceinline__ void MmaM16N8K16(float (&c)[4], const unsigned (&a)[4], unsigned b0,
                                            unsigned b1);
template <>
__device__ __forceinline__ void MmaM16N8K16<__half>(float (&c)[4], const unsigned (&a)[4],
                                                    unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <>
__device__ __forceinline__ void MmaM16N8K16<__nv_bfloat16>(float (&c)[4], const unsigned (&a)[4],
                                                           unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// c += a b for one warp: c [16, 8] i32, a [16, 32] and b [32, 8] i8, lowest byte first:
//   a[0], a[1]: rows g and g + 8, columns 4t to 4t + 3; a[2], a[3]: the same, columns + 16
//   b0, b1: rows 4t to 4t + 3, and those + 16, of column g
//   c as above
__device__ __forceinline__ void MmaM16N8K32(int (&c)[4], const unsigned (&a)[4], unsigned b0,
                                            unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};\n"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// --- scalars ------------------------------------------------------------------------------------

// 2^x with a relative error of at most 2^-22, "ex2"; 0 below -126.
__device__ __forceinline__ float Exp2Approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}

// Two f32, rounded to nearest even, in one register, `low` in the low half, "cvt".
template <typename T>
__device__ __forceinline__ unsigned PackHalves(float low, float high);
template <>
__device__ __forceinline__ unsigned PackHalves<__half>(float low, float high) {
  unsigned packed;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;\n" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}
template <>
__device__ __forceinline__ unsigned PackHalves<__nv_bfloat16>(float low, float high) {
  unsigned packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

// Any function of three bits, bit by bit, "lop3": bit (4 * a + 2 * b + c) of kTable is the result.
template <int kTable>
__device__ __forceinline__ unsigned Lop3(unsigned a, unsigned b, unsigned c) {
  unsigned result;
  asm("lop3.b32 %0, %1, %2, %3, %4;\n" : "=r"(result) : "r"(a), "r"(b), "r"(c), "n"(kTable));
  return result;
}

}  // namespace quire::kernels::cuda
