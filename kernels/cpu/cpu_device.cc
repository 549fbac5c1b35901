#include "kernels/cpu/cpu_device.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "kernels/cpu/cpu_memory.h"
#include "kernels/cpu/cpu_packed_weight.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/operations.h"

namespace quire::kernels::cpu {
namespace {

constexpr std::int64_t kPeakBytes = std::int64_t{256} << 20;
constexpr int kPeakRepeats = 5;

template <typename Body>
double BestSeconds(const Body& body) {
  double best = 0;
  for (int i = 0; i < kPeakRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (i == 0 || seconds < best) best = seconds;
  }
  return best;
}

double MeasureRead(const Microkernels& kernels, ThreadPool& pool, const float* memory) {
  constexpr std::int64_t kPieceFloats = (1 << 20) / sizeof(float);
  constexpr std::int64_t kPieces = kPeakBytes / sizeof(float) / kPieceFloats;
  std::atomic<float> sink{0};
  const double seconds = BestSeconds([&] {
    pool.Run(kPieces, [&](std::int64_t piece, int) {
      sink = kernels.read_all(memory + piece * kPieceFloats, kPieceFloats);
    });
  });
  return static_cast<double>(kPeakBytes) / seconds;
}

double MeasureFlops(const Microkernels& kernels, ThreadPool& pool) {
  constexpr std::int64_t kRounds = 20'000;
  constexpr std::int64_t kPiecesPerThread = 50;
  std::atomic<float> sink{0};
  const std::int64_t pieces = kPiecesPerThread * pool.num_threads();
  std::atomic<double> flops_per_piece{0};
  const double seconds = BestSeconds([&] {
    pool.Run(pieces, [&](std::int64_t, int) {
      float value = 0;
      flops_per_piece = kernels.multiply_add_rounds(kRounds, &value);
      sink = value;
    });
  });
  return flops_per_piece * static_cast<double>(pieces) / seconds;
}

}  // namespace

CpuDevice::CpuDevice(const Microkernels& microkernels, std::shared_ptr<ThreadPool> pool)
    : microkernels_(microkernels), pool_(std::move(pool)) {}

const KernelTable& CpuDevice::kernels() const { return kCpuKernels; }

StatusOr<std::unique_ptr<Stream>> CpuDevice::NewStream() {
  return std::make_unique<CpuStream>(microkernels_, *pool_);
}

StatusOr<std::unique_ptr<DeviceMemory>> CpuDevice::Allocate(std::int64_t size_bytes) {
  return AllocateCpuMemory(size_bytes);
}

StatusOr<std::unique_ptr<DeviceMemory>> CpuDevice::AllocateHost(std::int64_t size_bytes) {
  return AllocateCpuMemory(size_bytes);
}

StatusOr<ImportedWeight> CpuDevice::ImportWeight(const MatrixView& host) {
  if (host.dtype != DType::kF32 && host.dtype != DType::kF16 && host.dtype != DType::kBF16) {
    return InvalidArgument("weight: wanted f32, f16 or bf16, have {}", DTypeName(host.dtype));
  }
  if (host.rows < 0 || host.cols < 0 || host.row_stride < host.cols) {
    return InvalidArgument("weight: wanted rows of at least {} elements, have a row stride of {}",
                           host.cols, host.row_stride);
  }
  const std::int64_t element_bytes = BytesPerElement(host.dtype);
  if (reinterpret_cast<std::uintptr_t>(host.data) % static_cast<std::uintptr_t>(element_bytes) ==
      0) {
    return ImportedWeight{.view = host, .owner = nullptr};
  }
  QUIRE_ASSIGN_OR_RETURN(auto owner, AllocateCpuMemory(host.rows * host.cols * element_bytes));
  ImportedWeight copy = {.view = host, .owner = std::move(owner)};
  copy.view.data = copy.owner->data();
  copy.view.row_stride = host.cols;
  for (std::int64_t row = 0; row < host.rows; ++row) {
    std::memcpy(ByteRow(copy.view, row), ByteRow(host, row),
                static_cast<std::size_t>(host.cols * element_bytes));
  }
  return copy;
}

Status CpuDevice::ValidateKvType(DType dtype) const {
  switch (dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kI8:
      return OkStatus();
    default:
      return Unimplemented("KV cache on {}: wanted f32, f16, bf16 or i8, have {}", name(),
                           DTypeName(dtype));
  }
}

StatusOr<std::unique_ptr<PackedWeight>> CpuDevice::PackWeight(const QuantizedWeight& host) {
  return PackCpuWeight(host, *pool_);
}

void CpuDevice::CopyToDevice(void* device, const void* host, std::int64_t size_bytes, Stream&) {
  if (size_bytes > 0) std::memcpy(device, host, static_cast<std::size_t>(size_bytes));
}

void CpuDevice::CopyToHost(void* host, const void* device, std::int64_t size_bytes, Stream&) {
  if (size_bytes > 0) std::memcpy(host, device, static_cast<std::size_t>(size_bytes));
}

Status CpuDevice::Synchronize(Stream& stream) { return CpuStream::From(stream).TakeError(); }

StatusOr<Peaks> CpuDevice::MeasurePeaks() {
  QUIRE_ASSIGN_OR_RETURN(const auto memory, AllocateCpuMemory(kPeakBytes));
  auto* floats = static_cast<float*>(memory->data());
  // Untouched pages would all be the one zero page, which sits in the cache.
  std::fill_n(floats, kPeakBytes / static_cast<std::int64_t>(sizeof(float)), 1.0f);
  return Peaks{.read_bytes_per_s = MeasureRead(microkernels_, *pool_, floats),
               .f32_flops_per_s = MeasureFlops(microkernels_, *pool_)};
}

std::vector<std::unique_ptr<Device>> EnumerateCpuDevices(const DeviceOptions& options) {
  const auto pool = std::make_shared<ThreadPool>(options.num_threads > 0 ? options.num_threads
                                                                         : NumUsableCores());
  std::vector<std::unique_ptr<Device>> devices;
  for (const Microkernels* microkernels : UsableMicrokernels()) {
    devices.push_back(std::make_unique<CpuDevice>(*microkernels, pool));
  }
  return devices;
}

}  // namespace quire::kernels::cpu
