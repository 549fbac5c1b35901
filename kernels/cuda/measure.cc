#include "kernels/cuda/measure.h"

#include <cuda_runtime.h>

#include <functional>
#include <utility>
#include <vector>

#include "kernels/cuda/cublas_lt.h"
#include "kernels/cuda/cuda_stream.h"

namespace quire::kernels::cuda {
namespace {

constexpr std::int64_t kCopyBytes = std::int64_t{1} << 30;
constexpr std::int64_t kMatmulSize = 8192;
constexpr int kBestOf = 5;

class EventTimer final : public StreamTimer {
 public:
  explicit EventTimer(CudaStream& stream) : stream_(stream) {
    stream_.Record(cudaEventCreate(&start_));
    stream_.Record(cudaEventCreate(&stop_));
  }
  ~EventTimer() override {
    cudaEventDestroy(start_);
    cudaEventDestroy(stop_);
  }
  EventTimer(const EventTimer&) = delete;
  EventTimer& operator=(const EventTimer&) = delete;

  void Start() override { stream_.Record(cudaEventRecord(start_, stream_.handle())); }
  void Stop() override { stream_.Record(cudaEventRecord(stop_, stream_.handle())); }
  StatusOr<double> Seconds() override {
    stream_.Record(cudaEventSynchronize(stop_));
    float milliseconds = 0.0f;
    stream_.Record(cudaEventElapsedTime(&milliseconds, start_, stop_));
    if (const cudaError_t error = stream_.TakeError(); error != cudaSuccess) {
      return Internal("measurement: {}", cudaGetErrorString(error));
    }
    return milliseconds * 1e-3;
  }

 private:
  CudaStream& stream_;
  cudaEvent_t start_ = nullptr;
  cudaEvent_t stop_ = nullptr;
};

// The shortest time of `operation`, after one that warms up.
StatusOr<double> BestSeconds(Stream& stream, const std::function<void()>& operation) {
  QUIRE_ASSIGN_OR_RETURN(const auto timer, NewStreamTimer(stream));
  double best = 0;
  for (int i = 0; i <= kBestOf; ++i) {
    timer->Start();
    operation();
    timer->Stop();
    QUIRE_ASSIGN_OR_RETURN(const double seconds, timer->Seconds());
    if (i > 0 && (best == 0 || seconds < best)) best = seconds;
  }
  return best;
}

class CublasLtMatmul final : public LibraryMatmul {
 public:
  CublasLtMatmul(CublasLt& library, CudaStream& stream,
                 std::vector<std::unique_ptr<DeviceMemory>> memory, const LibraryProduct& product)
      : library_(library), stream_(stream), memory_(std::move(memory)), product_(product) {}

  void Run() override { static_cast<void>(TryRun()); }
  bool TryRun() { return library_.Multiply(product_, stream_); }

 private:
  CublasLt& library_;
  CudaStream& stream_;
  const std::vector<std::unique_ptr<DeviceMemory>> memory_;
  const LibraryProduct product_;
};

}  // namespace

StatusOr<std::unique_ptr<StreamTimer>> NewStreamTimer(Stream& stream) {
  return std::make_unique<EventTimer>(CudaStream::Bind(stream));
}

StatusOr<double> MeasureCopyBytes(Device& device, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  QUIRE_ASSIGN_OR_RETURN(const auto from, device.Allocate(kCopyBytes));
  QUIRE_ASSIGN_OR_RETURN(const auto to, device.Allocate(kCopyBytes));
  QUIRE_ASSIGN_OR_RETURN(
      const double seconds, BestSeconds(stream, [&] {
        cuda.Record(cudaMemcpyAsync(to->data(), from->data(), static_cast<std::size_t>(kCopyBytes),
                                    cudaMemcpyDeviceToDevice, cuda.handle()));
      }));
  return 2.0 * static_cast<double>(kCopyBytes) / seconds;
}

StatusOr<std::unique_ptr<LibraryMatmul>> NewLibraryMatmul(Device& device, Stream& stream,
                                                          std::int64_t rows, std::int64_t in,
                                                          std::int64_t out) {
  CublasLt* const library = CublasLt::OfProcess();
  if (library == nullptr) {
    return NotFound("libcublasLt: wanted version 13 or 12 in the library path, have none");
  }
  auto& cuda = CudaStream::Bind(stream);
  std::vector<std::unique_ptr<DeviceMemory>> memory;
  const std::int64_t sizes[] = {rows * in * 2, out * in * 2, rows * out * 4,
                                CublasLt::kWorkspaceBytes};
  for (const std::int64_t bytes : sizes) {
    QUIRE_ASSIGN_OR_RETURN(auto allocated, device.Allocate(bytes));
    // Small numbers, all alike: the rate of tensor cores depends on the power they draw, so that
    // with random numbers it is lower by some percent.
    cuda.Record(
        cudaMemsetAsync(allocated->data(), 0x3c, static_cast<std::size_t>(bytes), cuda.handle()));
    memory.push_back(std::move(allocated));
  }
  const LibraryProduct product = {
      .x = memory[0]->data(),
      .weight = {.data = memory[1]->data(),
                 .rows = out,
                 .cols = in,
                 .row_stride = in,
                 .dtype = DType::kBF16},
      .bias = nullptr,
      .y = {.data = memory[2]->data(), .rows = rows, .cols = out, .row_stride = out},
      .accumulate = false,
      .workspace = memory[3]->data()};
  auto matmul = std::make_unique<CublasLtMatmul>(*library, cuda, std::move(memory), product);
  if (!matmul->TryRun()) {
    return NotFound("libcublasLt: it has no kernel for [{}, {}, {}]", rows, in, out);
  }
  return matmul;
}

StatusOr<double> MeasureMatmulFlops(Device& device, Stream& stream) {
  QUIRE_ASSIGN_OR_RETURN(const auto matmul,
                         NewLibraryMatmul(device, stream, kMatmulSize, kMatmulSize, kMatmulSize));
  QUIRE_ASSIGN_OR_RETURN(const double seconds, BestSeconds(stream, [&] { matmul->Run(); }));
  const auto size = static_cast<double>(kMatmulSize);
  return 2.0 * size * size * size / seconds;
}

}  // namespace quire::kernels::cuda
