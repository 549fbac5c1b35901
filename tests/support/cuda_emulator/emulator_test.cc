#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"
#include "kernels/half.h"

// Kernels that are right and kernels with each error that the emulator says it finds.

namespace quire::kernels::cuda {
namespace {

using ::testing::HasSubstr;

class CudaEmulatorTest : public ::testing::Test {
 protected:
  CudaEmulatorTest() : stream_(0, NewStream(), RowPrecision::kFull) {}

  static cudaStream_t NewStream() {
    cudaStream_t stream = nullptr;
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    return stream;
  }

  // The first error of everything so far.
  cudaError_t Wait() {
    stream_.Record(cudaStreamSynchronize(stream_.handle()));
    return stream_.TakeError();
  }
  void ExpectFault(const char* text) {
    EXPECT_EQ(Wait(), cudaErrorLaunchFailure);
    EXPECT_THAT(cuda_emulator::LastFault(), HasSubstr(text));
  }

  CudaStream stream_;
};

// out[b * threads + t] = sum of t' over the threads of block b after t, then before, by shared
// memory.
template <bool kWithBarrier>
__global__ void ReverseKernel(int* out) {
  __shared__ int values[96];
  values[threadIdx.x] = static_cast<int>(threadIdx.x);
  if constexpr (kWithBarrier) __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}

TEST_F(CudaEmulatorTest, ThreadsMeetAtBarriersAndAMissingOneShows) {
  std::vector<int> wanted;
  for (int b = 0; b < 4; ++b) {
    for (int t = 0; t < 96; ++t) wanted.push_back(95 - t);
  }
  std::vector<int> out(4 * 96);
  Launch(ReverseKernel<true>, {4, 96}, stream_, out.data());
  EXPECT_EQ(Wait(), cudaSuccess);
  EXPECT_EQ(out, wanted);
  Launch(ReverseKernel<false>, {4, 96}, stream_, out.data());
  EXPECT_EQ(Wait(), cudaSuccess);
  EXPECT_NE(out, wanted);
}

__global__ void ReadPoisonKernel(float* out) {
  __shared__ float values[4];
  out[0] = values[0];
  out[1] = reinterpret_cast<const float*>(DynamicSharedMemory())[3];
  values[0] = 1.0f;  // the next block must not see it
}

TEST_F(CudaEmulatorTest, FreshMemoryIsNaN) {
  float out[2] = {0, 0};
  Launch(ReadPoisonKernel, {2, 1, 16}, stream_, +out);
  EXPECT_EQ(Wait(), cudaSuccess);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_TRUE(std::isnan(out[1]));
  void* data = nullptr;
  ASSERT_EQ(cudaMalloc(&data, 8), cudaSuccess);
  EXPECT_TRUE(std::isnan(static_cast<float*>(data)[1]));
  float host[3] = {};
  EXPECT_EQ(cudaMemcpy(host, data, 8, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(host, data, 12, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(data), cudaSuccess);
  EXPECT_EQ(cudaFree(host), cudaErrorInvalidValue);
  static_cast<void>(cudaGetLastError());
}

__global__ void SomeAtBarrierKernel() {
  if (threadIdx.x < 40) __syncthreads();
}
__global__ void OneLaneShufflesKernel() {
  if (threadIdx.x != 3) return;
  static_cast<void>(__shfl_xor_sync(0xffffffffu, 1, 1));
}
__global__ void LanesDivergeKernel() {
  if (threadIdx.x % 2 == 0) {
    __syncwarp();
  } else {
    static_cast<void>(__shfl_xor_sync(0xffffffffu, 1, 1));
  }
}
__global__ void WrongMaskKernel() { __syncwarp(1u << (threadIdx.x + 1) % 32); }
__global__ void BarrierInOneWarpKernel() {
  if (threadIdx.x < 32) {
    __syncwarp();
    __syncthreads();
  } else {
    static_cast<void>(__ballot_sync(0xffffffffu, 1));
  }
}

TEST_F(CudaEmulatorTest, DivergentThreadsAreAFault) {
  Launch(SomeAtBarrierKernel, {1, 64}, stream_);
  ExpectFault("40 of 64 wait at __syncthreads, 24 have left the kernel");
  Launch(OneLaneShufflesKernel, {1, 32}, stream_);
  ExpectFault("have left the kernel");
  Launch(LanesDivergeKernel, {1, 32}, stream_);
  ExpectFault("lanes diverge");
  Launch(WrongMaskKernel, {1, 32}, stream_);
  ExpectFault("not of them");
  Launch(BarrierInOneWarpKernel, {1, 64}, stream_);
  ExpectFault("32 of 64 wait at __syncthreads, 32 have left the kernel");
}

// Copies 32 bytes by two threads.
template <int kPendingAllowed, int kSkew>
__global__ void CopyKernel(const unsigned char* from, unsigned char* to) {
  unsigned char* const shared = DynamicSharedMemory();
  const unsigned offset = 16 * threadIdx.x;
  CpAsync16(shared + offset + kSkew, from + offset, threadIdx.x == 0 ? 16 : 5);
  CpAsyncCommit();
  CpAsyncWait<kPendingAllowed>();
  __syncthreads();
  for (unsigned i = 0; i < 16; ++i) to[offset + i] = shared[offset + i];
}

TEST_F(CudaEmulatorTest, AsynchronousCopiesArriveWhenWaitedFor) {
  alignas(16) unsigned char from[32];
  for (int i = 0; i < 32; ++i) from[i] = static_cast<unsigned char>(i + 1);
  unsigned char to[32] = {};
  Launch(CopyKernel<0, 0>, {1, 2, 32}, stream_, +from, +to);
  EXPECT_EQ(Wait(), cudaSuccess);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(to[i], i < 21 ? i + 1 : 0) << i;
  Launch(CopyKernel<1, 0>, {1, 2, 32}, stream_, +from, +to);
  EXPECT_EQ(Wait(), cudaSuccess);
  EXPECT_EQ(to[0], 0xff);
  Launch(CopyKernel<0, 0>, {1, 2, 24}, stream_, +from, +to);
  ExpectFault("not all in shared memory");
  Launch(CopyKernel<0, 8>, {1, 2, 64}, stream_, +from, +to);
  ExpectFault("not a multiple of 16");
  Launch(CopyKernel<0, 0>, {1, 2, 32}, stream_, from + 8, +to);
  ExpectFault("not a multiple of 16");
}

__global__ void EmptyKernel() {}

TEST_F(CudaEmulatorTest, LaunchesKeepToTheLimitsOfTheDevice) {
  Launch(EmptyKernel, {1, 1025}, stream_);
  EXPECT_EQ(Wait(), cudaErrorInvalidConfiguration);
  Launch(EmptyKernel, {dim3(1, 65536), 32}, stream_);
  EXPECT_EQ(Wait(), cudaErrorInvalidConfiguration);
  Launch(EmptyKernel, {0, 32}, stream_);
  EXPECT_EQ(Wait(), cudaErrorInvalidConfiguration);
  Launch(EmptyKernel, {1, 32, 227 * 1024 + 1}, stream_);
  EXPECT_EQ(Wait(), cudaErrorInvalidValue);
  Launch(EmptyKernel, {1, 32, 227 * 1024}, stream_);
  EXPECT_EQ(Wait(), cudaSuccess);
}

__global__ void WarpKernel(int* out) {
  const int lane = static_cast<int>(threadIdx.x);
  out[lane] = __shfl_xor_sync(0xffffffffu, lane, 5);
  out[32 + lane] = __shfl_up_sync(0xffffffffu, lane, 3);
  out[64 + lane] = __shfl_down_sync(0xffffffffu, lane, 3, 8);
  out[96 + lane] = __shfl_sync(0xffffffffu, lane, 2, 4);
  out[128 + lane] = static_cast<int>(__ballot_sync(0xffffffffu, lane % 3 == 0));
  out[160 + lane] = __any_sync(0xffffffffu, lane == 9) + 2 * __all_sync(0xffffffffu, lane != 9);
}

TEST_F(CudaEmulatorTest, LanesExchangeValues) {
  int out[192];
  Launch(WarpKernel, {1, 32}, stream_, +out);
  ASSERT_EQ(Wait(), cudaSuccess);
  for (int lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(out[lane], lane ^ 5);
    EXPECT_EQ(out[32 + lane], lane < 3 ? lane : lane - 3);
    EXPECT_EQ(out[64 + lane], lane % 8 < 5 ? lane + 3 : lane);
    EXPECT_EQ(out[96 + lane], lane / 4 * 4 + 2);
    EXPECT_EQ(out[128 + lane], 0x49249249);
    EXPECT_EQ(out[160 + lane], 1);
  }
}

// c [16, 8] = a [16, 16] b [16, 8] with fragments loaded from shared memory: a [16, 16] as it is
// and b as it is, transposed on the way.
template <typename T>
__global__ void ProductKernel(const T* a, const T* b, float* c) {
  auto* const shared = reinterpret_cast<T*>(DynamicSharedMemory());
  T* const shared_b = shared + 256;
  for (unsigned i = threadIdx.x; i < 256; i += 32) shared[i] = a[i];
  for (unsigned i = threadIdx.x; i < 128; i += 32) shared_b[i] = b[i];
  __syncwarp();
  const unsigned lane = threadIdx.x;
  unsigned fragment_a[4];
  LdMatrix4(fragment_a, shared + lane % 16 * 16 + lane / 16 * 8);
  unsigned fragment_b[4];
  LdMatrix4Transposed(fragment_b, shared_b + lane % 16 * 8);
  float sum[4] = {};
  MmaM16N8K16<T>(sum, fragment_a, fragment_b[0], fragment_b[1]);
  for (unsigned i = 0; i < 4; ++i)
    c[(lane / 4 + 8 * (i / 2)) * 8 + 2 * (lane % 4) + i % 2] = sum[i];
}

template <typename T, typename Raw>
void CheckProduct(CudaStream& stream, DType dtype) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  T a[256];
  T b[128];
  float values[384];
  for (int i = 0; i < 384; ++i) {
    std::uint16_t bits = 0;
    const float value = normal(random);
    ConvertFromF32(dtype, &value, &bits, 1);
    ConvertToF32(dtype, &bits, &values[i], 1);
    (i < 256 ? a[i] : b[i - 256]) = Raw{bits};
  }
  float c[128];
  Launch(ProductKernel<T>, {1, 32, 768}, stream, +a, +b, +c);
  for (int m = 0; m < 16; ++m) {
    for (int n = 0; n < 8; ++n) {
      double sum = 0;
      double magnitude = 0;
      for (int k = 0; k < 16; ++k) {
        const double product = double{values[m * 16 + k]} * values[256 + k * 8 + n];
        sum += product;
        magnitude += std::abs(product);
      }
      // Cut to 26 bits of the largest, and to f32, twice.
      EXPECT_NEAR(c[m * 8 + n], sum, 4 * 0x1p-23 * magnitude) << m << ", " << n;
    }
  }
}

TEST_F(CudaEmulatorTest, TensorCoresMultiplyFragments) {
  CheckProduct<__half, __half_raw>(stream_, DType::kF16);
  CheckProduct<__nv_bfloat16, __nv_bfloat16_raw>(stream_, DType::kBF16);
  EXPECT_EQ(Wait(), cudaSuccess);
}

// Sums are cut, not rounded, and what is far below the largest is lost.
__global__ void CutKernel(float* out) {
  const unsigned one = threadIdx.x % 4 == 0 ? 0x3c00u : 0u;    // k = 0
  const unsigned small = threadIdx.x % 4 == 1 ? 0x8001u : 0u;  // k = 2: -2^-24
  const unsigned a[4] = {one | small, one | small, 0, 0};
  float c[4] = {0x1p24f, 0x1p24f, 0x1p24f, 0x1p24f};
  MmaM16N8K16<__half>(c, a, threadIdx.x % 4 == 0 ? 0x3c00u : 0u, 0);
  out[0] = c[0];
  float d[4] = {};
  MmaM16N8K16<__half>(d, a, threadIdx.x % 4 <= 1 ? 0x3c00u : 0u, 0);
  out[1] = d[0];
}

TEST_F(CudaEmulatorTest, TensorCoresCutTheirSums) {
  float out[2];
  Launch(CutKernel, {1, 32}, stream_, +out);
  EXPECT_EQ(Wait(), cudaSuccess);
  EXPECT_EQ(out[0], 0x1p24f);          // 2^24 + 1 does not fit
  EXPECT_EQ(out[1], 1.0f - 0x1p-24f);  // fits
}

__global__ void BytesKernel(const std::int8_t* a, const std::int8_t* b, int* c) {
  const unsigned g = threadIdx.x / 4;
  const unsigned t = threadIdx.x % 4;
  const auto word = [](const std::int8_t* p) { return *reinterpret_cast<const unsigned*>(p); };
  const unsigned fragment[4] = {word(a + g * 32 + 4 * t), word(a + (g + 8) * 32 + 4 * t),
                                word(a + g * 32 + 4 * t + 16), word(a + (g + 8) * 32 + 4 * t + 16)};
  int sum[4] = {};
  MmaM16N8K32(sum, fragment, word(b + g * 32 + 4 * t), word(b + g * 32 + 4 * t + 16));
  for (unsigned i = 0; i < 4; ++i) c[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2] = sum[i];
}

TEST_F(CudaEmulatorTest, TensorCoresMultiplyBytes) {
  std::mt19937 random(1);
  alignas(4) std::int8_t a[16 * 32];
  alignas(4) std::int8_t b[8 * 32];  // transposed
  for (auto& x : a) x = static_cast<std::int8_t>(random());
  for (auto& x : b) x = static_cast<std::int8_t>(random());
  int c[128];
  Launch(BytesKernel, {1, 32}, stream_, +a, +b, +c);
  ASSERT_EQ(Wait(), cudaSuccess);
  for (int m = 0; m < 16; ++m) {
    for (int n = 0; n < 8; ++n) {
      int sum = 0;
      for (int k = 0; k < 32; ++k) sum += a[m * 32 + k] * b[n * 32 + k];
      EXPECT_EQ(c[m * 8 + n], sum);
    }
  }
}

TEST_F(CudaEmulatorTest, ScalarFunctionsDoWhatTheirInstructionsDo) {
  EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x7052u), 0x77005522u);
  EXPECT_EQ(__byte_perm(0x80u, 0u, 0x4448u), 0x000000ffu);
  EXPECT_EQ(__dp4a(0x01ff02fe, 0x03040506, 7), 1 * 3 - 1 * 4 + 2 * 5 - 2 * 6 + 7);
  EXPECT_EQ((Lop3<(0xf0 & 0xcc) | 0xaa>(12u, 10u, 1u)), (12u & 10u) | 1u);
  EXPECT_EQ(PackHalves<__half>(1.0f, -2.0f), 0xc0003c00u);
  EXPECT_EQ(PackHalves<__nv_bfloat16>(1.0f, -2.0f), 0xc0003f80u);
  EXPECT_NEAR(Exp2Approx(3.0f), 8.0f, 8 * 0x1p-22);
  EXPECT_EQ(Exp2Approx(-INFINITY), 0.0f);
}

__global__ void CountKernel(int* count) { ++*count; }

TEST_F(CudaEmulatorTest, CapturedLaunchesRunWithTheGraph) {
  int count = 0;
  ASSERT_EQ(cudaStreamBeginCapture(stream_.handle(), cudaStreamCaptureModeThreadLocal),
            cudaSuccess);
  Launch(CountKernel, {3, 1}, stream_, &count);
  EXPECT_EQ(count, 0);
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamEndCapture(stream_.handle(), &graph), cudaSuccess);
  cudaGraphExec_t executable = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(cudaGraphLaunch(executable, stream_.handle()), cudaSuccess);
  EXPECT_EQ(Wait(), cudaSuccess);
  EXPECT_EQ(count, 6);
  EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
}

TEST_F(CudaEmulatorTest, WaitingAndAllocatingEndACapture) {
  const auto capture = [&](const auto& call) {
    EXPECT_EQ(cudaStreamBeginCapture(stream_.handle(), cudaStreamCaptureModeThreadLocal),
              cudaSuccess);
    EXPECT_EQ(call(), cudaErrorStreamCaptureUnsupported);
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream_.handle(), &graph), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
  };
  void* data = nullptr;
  capture([&] { return cudaStreamSynchronize(stream_.handle()); });
  capture([&] { return cudaMalloc(&data, 16); });
  ASSERT_EQ(cudaMalloc(&data, 16), cudaSuccess);
  capture([&] { return cudaFree(data); });
  EXPECT_EQ(cudaFree(data), cudaSuccess);
}

}  // namespace
}  // namespace quire::kernels::cuda
