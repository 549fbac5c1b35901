#include "kernels/cuda/cuda_device.h"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <atomic>
#include <string>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/pack_weight.h"
#include "kernels/cuda/recording.h"

namespace quire::kernels::cuda {
namespace {

// 256 MiB: several times the L2 cache of any device so far.
constexpr std::int64_t kPeakBytes = std::int64_t{256} << 20;
// What CMakeLists.txt compiles for: code for 8.0 also runs, or is translated, on everything later.
constexpr int kOldestMajor = 8;

Status ToStatus(cudaError_t error, std::string_view what) {
  if (error == cudaSuccess) return OkStatus();
  if (error == cudaErrorMemoryAllocation) {
    return ResourceExhausted("{}: {}", what, cudaGetErrorString(error));
  }
  return Internal("{}: {}", what, cudaGetErrorString(error));
}

class CudaMemory final : public DeviceMemory {
 public:
  CudaMemory(void* data, std::int64_t size_bytes) : data_(data), size_bytes_(size_bytes) {}
  ~CudaMemory() override { cudaFree(data_); }
  void* data() const override { return data_; }
  std::int64_t size_bytes() const override { return size_bytes_; }

 private:
  void* const data_;
  const std::int64_t size_bytes_;
};

class PinnedMemory final : public DeviceMemory {
 public:
  PinnedMemory(void* data, std::int64_t size_bytes) : data_(data), size_bytes_(size_bytes) {}
  ~PinnedMemory() override { cudaFreeHost(data_); }
  void* data() const override { return data_; }
  std::int64_t size_bytes() const override { return size_bytes_; }

 private:
  void* const data_;
  const std::int64_t size_bytes_;
};

class CudaDevice final : public Device {
 public:
  CudaDevice(int ordinal, std::string name, RowPrecision row_precision)
      : ordinal_(ordinal), name_(std::move(name)), row_precision_(row_precision) {}

  std::string_view name() const override { return name_; }
  const KernelTable& kernels() const override { return kCudaKernels; }
  // Not measured: no GPU has run it.
  int efficient_batch_tokens() const override { return 2048; }

  StatusOr<std::unique_ptr<Stream>> NewStream() override {
    QUIRE_RETURN_IF_ERROR(Check(cudaSetDevice(ordinal_)));
    cudaStream_t stream = nullptr;
    QUIRE_RETURN_IF_ERROR(Check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)));
    return std::make_unique<CudaStream>(ordinal_, stream, row_precision_);
  }

  std::optional<std::int64_t> free_bytes() override {
    std::size_t free = 0;
    std::size_t total = 0;
    // What cannot be asked for memory has none to give.
    if (cudaSetDevice(ordinal_) != cudaSuccess || cudaMemGetInfo(&free, &total) != cudaSuccess) {
      static_cast<void>(cudaGetLastError());
      return 0;
    }
    return static_cast<std::int64_t>(free);
  }

  StatusOr<std::unique_ptr<DeviceMemory>> Allocate(std::int64_t size_bytes) override {
    if (size_bytes < 0) {
      return InvalidArgument("{}: wanted a size of at least 0 bytes, have {}", name_, size_bytes);
    }
    QUIRE_RETURN_IF_ERROR(Check(cudaSetDevice(ordinal_)));
    void* data = nullptr;
    const cudaError_t error = cudaMalloc(&data, static_cast<std::size_t>(size_bytes));
    if (error == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());  // so that the next launch does not report it
      return ResourceExhausted("{}: wanted {} bytes, the device has not that much", name_,
                               size_bytes);
    }
    QUIRE_RETURN_IF_ERROR(Check(error));
    return std::make_unique<CudaMemory>(data, size_bytes);
  }

  StatusOr<std::unique_ptr<DeviceMemory>> AllocateHost(std::int64_t size_bytes) override {
    QUIRE_RETURN_IF_ERROR(Check(cudaSetDevice(ordinal_)));
    void* data = nullptr;
    const cudaError_t error =
        cudaHostAlloc(&data, static_cast<std::size_t>(size_bytes), cudaHostAllocDefault);
    if (error == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      return ResourceExhausted("{}: wanted {} bytes of pinned host memory, have less", name_,
                               size_bytes);
    }
    QUIRE_RETURN_IF_ERROR(Check(error));
    return std::make_unique<PinnedMemory>(data, size_bytes);
  }

  StatusOr<ImportedWeight> ImportWeight(const MatrixView& host) override {
    if (host.dtype != DType::kF32 && host.dtype != DType::kF16 && host.dtype != DType::kBF16) {
      return InvalidArgument("weight: wanted f32, f16 or bf16, have {}", DTypeName(host.dtype));
    }
    const auto row_bytes = static_cast<std::size_t>(host.cols * BytesPerElement(host.dtype));
    const auto stride_bytes =
        static_cast<std::size_t>(host.row_stride * BytesPerElement(host.dtype));
    QUIRE_ASSIGN_OR_RETURN(auto memory, Allocate(host.rows * static_cast<std::int64_t>(row_bytes)));
    QUIRE_RETURN_IF_ERROR(
        Check(cudaMemcpy2D(memory->data(), row_bytes, host.data, stride_bytes, row_bytes,
                           static_cast<std::size_t>(host.rows), cudaMemcpyHostToDevice)));
    ImportedWeight weight = {.view = host, .owner = std::move(memory)};
    weight.view.data = weight.owner->data();
    weight.view.row_stride = host.cols;
    return weight;
  }

  Status ValidateKvType(DType dtype) const override {
    if (dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 ||
        HasKvScales(dtype)) {
      return OkStatus();
    }
    return Unimplemented("KV cache on {}: wanted f32, f16, bf16, i8 or f8_e4m3, have {}", name_,
                         DTypeName(dtype));
  }
  // What tensor cores take and models are trained in.
  DType preferred_kv_type() const override { return DType::kBF16; }
  StatusOr<std::unique_ptr<PackedWeight>> PackWeight(const QuantizedWeight& host) override {
    QUIRE_ASSIGN_OR_RETURN(const auto stream, NewStream());
    auto packed = PackCudaWeight(host, packing_pool_, CudaStream::Bind(*stream));
    if (!packed.ok()) return Annotate(packed.status(), name_);
    return packed;
  }

  void CopyToDevice(void* device, const void* host, std::int64_t size_bytes,
                    Stream& stream) override {
    auto& cuda = CudaStream::Bind(stream);
    cuda.Record(cudaMemcpyAsync(device, host, static_cast<std::size_t>(size_bytes),
                                cudaMemcpyHostToDevice, cuda.handle()));
  }
  void CopyToHost(void* host, const void* device, std::int64_t size_bytes,
                  Stream& stream) override {
    auto& cuda = CudaStream::Bind(stream);
    cuda.Record(cudaMemcpyAsync(host, device, static_cast<std::size_t>(size_bytes),
                                cudaMemcpyDeviceToHost, cuda.handle()));
  }

  bool is_asynchronous() const override { return true; }
  std::unique_ptr<Recording> Record(Stream& stream, const std::function<void()>& enqueue) override {
    return RecordGraph(CudaStream::Bind(stream), enqueue);
  }
  bool Replay(const Recording& recording, Stream& stream) override {
    return ReplayGraph(recording, CudaStream::Bind(stream));
  }

  Status Synchronize(Stream& stream) override {
    auto& cuda = CudaStream::Bind(stream);
    cuda.Record(cudaStreamSynchronize(cuda.handle()));
    const Status status = Check(cuda.TakeError());
    if (status.ok()) return status;
    // An error of a launch is over when it was told; one of a kernel stays, whatever is asked next.
    static_cast<void>(cudaGetLastError());
    const cudaError_t lasting = cudaStreamSynchronize(cuda.handle());
    if (lasting == cudaSuccess) return status;
    lost_by_.store(lasting);
    return health();
  }

  Status health() const override {
    const cudaError_t error = lost_by_.load();
    if (error == cudaSuccess) return OkStatus();
    return Unavailable("{}: lost: {}; restart the process", name_, cudaGetErrorString(error));
  }

  StatusOr<Peaks> MeasurePeaks() override {
    QUIRE_ASSIGN_OR_RETURN(const auto memory, Allocate(kPeakBytes));
    QUIRE_ASSIGN_OR_RETURN(const auto stream, NewStream());
    const Peaks peaks = cuda::MeasurePeaks(static_cast<const float*>(memory->data()),
                                           kPeakBytes / sizeof(float), *stream);
    QUIRE_RETURN_IF_ERROR(Synchronize(*stream));
    return peaks;
  }

 private:
  Status Check(cudaError_t error) const { return ToStatus(error, name_); }

  const int ordinal_;
  const std::string name_;
  const RowPrecision row_precision_;
  cpu::ThreadPool packing_pool_{cpu::NumUsableCores()};
  std::atomic<cudaError_t> lost_by_ = cudaSuccess;
};

}  // namespace

std::vector<std::unique_ptr<Device>> EnumerateCudaDevices() {
  std::vector<std::unique_ptr<Device>> devices;
  int count = 0;
  // Without a driver or a device this is an error, and an ordinary machine.
  if (cudaGetDeviceCount(&count) != cudaSuccess) count = 0;
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    int major = 0;
    int minor = 0;
    if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, ordinal) != cudaSuccess ||
        cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, ordinal) != cudaSuccess ||
        major < kOldestMajor) {
      continue;
    }
    const std::string name = fmt::format("cuda:{}/sm{}{}", ordinal, major, minor);
    devices.push_back(std::make_unique<CudaDevice>(ordinal, name, RowPrecision::kFull));
    devices.push_back(std::make_unique<CudaDevice>(ordinal, name + "/half", RowPrecision::kHalf));
  }
  return devices;
}

}  // namespace quire::kernels::cuda
