#pragma once

// Stands for CUDA's header of this name when kernels are compiled for the emulator: qualifiers,
// the functions of device code, and the part of the runtime that kernels/cuda uses.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>

#include "tests/support/cuda_emulator/grid.h"

// --- qualifiers --------------------------------------------------------------------------------

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
// One block runs at a time, so a variable will do. They lie together, to be poisoned before each
// block. A function in a header that has one must be static or in an anonymous namespace: GCC puts
// those of inline functions and other templates into sections of their own and says "section type
// conflict".
#define __shared__ static __attribute__((section("emulated_shared")))
#define __constant__ static const

using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;

// --- vector types ------------------------------------------------------------------------------

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

// --- scalar functions --------------------------------------------------------------------------

namespace quire::cuda_emulator {

// A function that a GPU computes with a relative error of up to `error`: this one errs by as much,
// up or down as the bits of the result have it.
inline float WithError(float exact, float error) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &exact, sizeof bits);
  return std::isfinite(exact) ? exact * (1.0f + ((bits * 2654435761u >> 31) != 0 ? error : -error))
                              : exact;
}

}  // namespace quire::cuda_emulator

template <typename T>
constexpr T min(T a, std::type_identity_t<T> b) {
  return b < a ? b : a;
}
template <typename T>
constexpr T max(T a, std::type_identity_t<T> b) {
  return a < b ? b : a;
}
// Errors: CUDA C++ Programming Guide, "Mathematical Functions".
inline float rsqrtf(float x) {
  return quire::cuda_emulator::WithError(1.0f / std::sqrt(x), 0x1p-23f);
}
inline float __expf(float x) { return quire::cuda_emulator::WithError(std::exp(x), 0x1p-21f); }
inline float __logf(float x) { return quire::cuda_emulator::WithError(std::log(x), 0x1p-21f); }
inline float __fdividef(float x, float y) {
  return quire::cuda_emulator::WithError(x / y, 0x1p-22f);
}
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline int __float2int_rn(float x) { return static_cast<int>(std::nearbyint(x)); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline int __float_as_int(float x) {
  int bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline unsigned __float_as_uint(float x) { return static_cast<unsigned>(__float_as_int(x)); }
inline float __int_as_float(int bits) {
  float x = 0;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
inline float __uint_as_float(unsigned bits) { return __int_as_float(static_cast<int>(bits)); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const std::uint64_t bytes = (std::uint64_t{y} << 32) | x;
  unsigned result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned pick = selector >> (4 * i);
    unsigned byte = static_cast<unsigned>(bytes >> (8 * (pick & 7))) & 0xff;
    if ((pick & 8) != 0) byte = (byte & 0x80) != 0 ? 0xff : 0;  // its sign, repeated
    result |= byte << (8 * i);
  }
  return result;
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>(((std::uint64_t{high} << 32) | low) >> (shift & 31));
}
inline int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 4; ++i) {
    c += static_cast<std::int8_t>(a >> (8 * i)) * static_cast<std::int8_t>(b >> (8 * i));
  }
  return c;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((std::uint64_t{a} * b) >> 32);
}
template <typename T>
T __ldg(const T* p) {
  return *p;
}
template <typename T>
T __ldcg(const T* p) {
  return *p;
}
template <typename T>
T __ldcs(const T* p) {
  return *p;
}
template <typename T>
void __stcg(T* p, T value) {
  *p = value;
}

// --- barriers, warps, atomics ------------------------------------------------------------------

inline void __syncthreads() { quire::cuda_emulator::SyncBlock(); }
inline int __syncthreads_count(int predicate) {
  return quire::cuda_emulator::SyncBlock(predicate).count;
}
inline int __syncthreads_or(int predicate) {
  return quire::cuda_emulator::SyncBlock(predicate).count != 0;
}
inline int __syncthreads_and(int predicate) {
  return quire::cuda_emulator::SyncBlock(predicate).all;
}
inline void __threadfence() {}
inline void __threadfence_block() {}
[[noreturn]] inline void __trap() { quire::cuda_emulator::Fault("__trap"); }

namespace quire::cuda_emulator {

template <typename T>
struct ShuffleOperand {
  T value;
  unsigned from;  // a lane
  T result;
};
template <typename T>
T Shuffle(unsigned mask, T value, unsigned from) {
  ShuffleOperand<T> self = {value, from, value};
  Collective("__shfl_sync", mask, &self, [](void* const* lanes) {
    for (unsigned i = 0; i < kWarpSize; ++i) {
      auto* const lane = static_cast<ShuffleOperand<T>*>(lanes[i]);
      if (lane == nullptr) continue;
      const auto* const source = static_cast<ShuffleOperand<T>*>(lanes[lane->from]);
      // What a lane outside the mask holds is undefined: poison.
      if (source != nullptr) {
        lane->result = source->value;
      } else {
        std::memset(static_cast<void*>(&lane->result), kPoison, sizeof lane->result);
      }
    }
  });
  return LaneId() == 0 && IsPlanted("shuffle") ? value : self.result;
}

struct VoteOperand {
  bool predicate;
  unsigned ballot;
};
inline unsigned Ballot(const char* name, unsigned mask, bool predicate) {
  VoteOperand self = {predicate, 0};
  Collective(name, mask, &self, [](void* const* lanes) {
    unsigned ballot = 0;
    for (unsigned i = 0; i < kWarpSize; ++i) {
      const auto* const lane = static_cast<VoteOperand*>(lanes[i]);
      if (lane != nullptr && lane->predicate) ballot |= 1u << i;
    }
    for (unsigned i = 0; i < kWarpSize; ++i) {
      if (lanes[i] != nullptr) static_cast<VoteOperand*>(lanes[i])->ballot = ballot;
    }
  });
  return self.ballot;
}

}  // namespace quire::cuda_emulator

inline void __syncwarp(unsigned mask = 0xffffffffu) {
  quire::cuda_emulator::Collective("__syncwarp", mask, nullptr, [](void* const*) {});
}
// `width`, a power of two, divides the warp into segments.
template <typename T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32) {
  const auto w = static_cast<unsigned>(width);
  const unsigned lane = quire::cuda_emulator::LaneId();
  return quire::cuda_emulator::Shuffle(mask, value,
                                       (lane & ~(w - 1)) | (static_cast<unsigned>(from) & (w - 1)));
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32) {
  const unsigned lane = quire::cuda_emulator::LaneId();
  const unsigned from = lane ^ static_cast<unsigned>(lane_mask);
  const bool beyond = from / static_cast<unsigned>(width) > lane / static_cast<unsigned>(width);
  return quire::cuda_emulator::Shuffle(mask, value, beyond ? lane : from);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const unsigned lane = quire::cuda_emulator::LaneId();
  const bool inside = lane % static_cast<unsigned>(width) >= delta;
  return quire::cuda_emulator::Shuffle(mask, value, inside ? lane - delta : lane);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const unsigned lane = quire::cuda_emulator::LaneId();
  const auto w = static_cast<unsigned>(width);
  return quire::cuda_emulator::Shuffle(mask, value, lane % w + delta < w ? lane + delta : lane);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return quire::cuda_emulator::Ballot("__ballot_sync", mask, predicate != 0);
}
inline int __any_sync(unsigned mask, int predicate) {
  return quire::cuda_emulator::Ballot("__any_sync", mask, predicate != 0) != 0;
}
inline int __all_sync(unsigned mask, int predicate) {
  return quire::cuda_emulator::Ballot("__all_sync", mask, predicate == 0) == 0;
}

// One thread runs at a time.
template <typename T>
T atomicAdd(T* p, std::type_identity_t<T> value) {
  const T before = *p;
  *p = before + value;
  return before;
}
template <typename T>
T atomicMax(T* p, std::type_identity_t<T> value) {
  const T before = *p;
  *p = max(before, value);
  return before;
}
template <typename T>
T atomicMin(T* p, std::type_identity_t<T> value) {
  const T before = *p;
  *p = min(before, value);
  return before;
}
template <typename T>
T atomicExch(T* p, std::type_identity_t<T> value) {
  const T before = *p;
  *p = value;
  return before;
}
template <typename T>
T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  const T before = *p;
  if (before == expected) *p = value;
  return before;
}
// Counts to `last` and starts again.
inline unsigned atomicInc(unsigned* p, unsigned last) {
  const unsigned before = *p;
  *p = before >= last ? 0 : before + 1;
  return before;
}

// --- runtime -----------------------------------------------------------------------------------

// Values as in CUDA.
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorLaunchOutOfResources = 701,
  cudaErrorLaunchFailure = 719,
  cudaErrorNotSupported = 801,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901,
};
enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal = 0,
  cudaStreamCaptureModeThreadLocal = 1,
  cudaStreamCaptureModeRelaxed = 2,
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4,
};
enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
};
enum cudaFuncAttribute {
  cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
  cudaFuncAttributePreferredSharedMemoryCarveout = 9,
};
inline constexpr unsigned cudaStreamNonBlocking = 1;
inline constexpr unsigned cudaHostAllocDefault = 0;
inline constexpr unsigned cudaHostAllocPortable = 1;
inline constexpr unsigned cudaHostAllocMapped = 2;
inline constexpr unsigned cudaEventDisableTiming = 2;

using cudaStream_t = struct EmulatedStream*;
using cudaEvent_t = struct EmulatedEvent*;
using cudaGraph_t = struct EmulatedGraph*;
using cudaGraphExec_t = struct EmulatedGraphExec*;

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaMalloc(void** data, std::size_t bytes);
cudaError_t cudaFree(void* data);
cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void* data);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind kind);
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorString(cudaError_t error);
const char* cudaGetErrorName(cudaError_t error);

struct cudaLaunchAttribute {};
struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute* attrs;
  unsigned numAttrs;
};

namespace quire::cuda_emulator {

cudaError_t SetDynamicSharedLimit(const void* kernel, int bytes);
// Checks the launch against the limits of the device, then runs it.
cudaError_t LaunchKernel(const cudaLaunchConfig_t& config, const void* kernel,
                         const std::function<void()>& body);

}  // namespace quire::cuda_emulator

template <typename... Params>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Params...), cudaFuncAttribute attribute,
                                 int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  return quire::cuda_emulator::SetDynamicSharedLimit(reinterpret_cast<const void*>(kernel), value);
}

template <typename... Params, typename... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...),
                               Args&&... args) {
  // Every thread gets its own copy of the arguments, as they are now.
  const auto body = [kernel, ... copies = static_cast<Params>(args)] { kernel(copies...); };
  return quire::cuda_emulator::LaunchKernel(*config, reinterpret_cast<const void*>(kernel), body);
}
