#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device.h"

// What the kernel benchmarks share. Every benchmark reports bytes/s or FLOP/s and, as `peak_share`,
// how much that is of the device's own peak, measured right before it in the same process: on a
// shared machine only such ratios can be compared.
//
// Names: Operation/device/details, e.g. Linear/cpu/avx2/bf16/tokens:1/in:2048/out:2048.

namespace quire::kernels {

// Memory of a device that a benchmark reads or writes. Aborts if there is not enough.
class BenchMatrix {
 public:
  // Small pseudo-random values, none subnormal.
  BenchMatrix(Device& device, Stream& stream, std::int64_t rows, std::int64_t cols,
              DType dtype = DType::kF32);

  const MatrixView& view() const { return view_; }
  std::int64_t size_bytes() const { return memory_->size_bytes(); }

 private:
  std::unique_ptr<DeviceMemory> memory_;
  MatrixView view_;
};

// The elements of an f32 matrix.
inline float* Floats(const BenchMatrix& m) { return static_cast<float*>(m.view().data); }

// Index arrays on a device.
class BenchIndices {
 public:
  BenchIndices(Device& device, Stream& stream, const std::vector<std::int32_t>& values);
  const std::int32_t* data() const { return static_cast<const std::int32_t*>(memory_->data()); }

 private:
  std::unique_ptr<DeviceMemory> memory_;
};

// One benchmark run on a device. Each program has its own: kernel_bench measures with the host's
// clock, quire_gpu_bench with that of the GPU and cold caches.
class BenchRun {
 public:
  virtual ~BenchRun() = default;

  virtual Device& device() = 0;
  virtual Stream& stream() = 0;

  // Times `operation`, which is called many times.
  virtual void Time(const std::function<void()>& operation) = 0;
  // After Time. For an operation bound by memory: bytes read and written by one call.
  virtual void ReportBytes(double bytes_per_call) = 0;
  // For an operation bound by arithmetic.
  virtual void ReportFlops(double flops_per_call) = 0;
};

// Registers `function` as NAME/DEVICE/DETAILS. Defined by each program.
void RegisterKernelBenchmark(Device& device, const std::string& name, const std::string& details,
                             const std::function<void(BenchRun&)>& function);

// Registers the benchmarks of every operation.
void RegisterAllBenchmarks(Device& device);

// One per operation, each in its own file.
void RegisterActivationBenchmarks(Device& device);
void RegisterAttentionBenchmarks(Device& device);
void RegisterEmbedRowsBenchmarks(Device& device);
void RegisterEncoderAttentionBenchmarks(Device& device);
void RegisterLinearBenchmarks(Device& device);
void RegisterNormBenchmarks(Device& device);
void RegisterPoolingBenchmarks(Device& device);
void RegisterQuantizedLinearBenchmarks(Device& device);
void RegisterRecordingBenchmarks(Device& device);
void RegisterRopeBenchmarks(Device& device);
void RegisterSampleBenchmarks(Device& device);
void RegisterStoreKvBenchmarks(Device& device);

}  // namespace quire::kernels
