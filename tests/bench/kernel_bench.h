#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
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

// One benchmark run: the stream, the peaks, and the report.
class BenchRun {
 public:
  BenchRun(benchmark::State& state, Device& device);

  Device& device() { return device_; }
  Stream& stream() { return *stream_; }

  // Times `operation`, called once per iteration, and waits for the device each time.
  template <typename Operation>
  void Time(const Operation& operation) {
    for (auto _ : state_) {
      operation();
      Wait();
      benchmark::ClobberMemory();
    }
  }
  // For an operation bound by memory: bytes read and written by one iteration.
  void ReportBytes(double bytes_per_iteration);
  // For an operation bound by arithmetic.
  void ReportFlops(double flops_per_iteration);

 private:
  void Wait();
  void Report(const char* name, double per_iteration, double peak_per_s);

  benchmark::State& state_;
  Device& device_;
  std::unique_ptr<Stream> stream_;
  Peaks peaks_;
};

// Registers `function(BenchRun&)` as NAME/DEVICE/DETAILS.
template <typename Function>
void RegisterKernelBenchmark(Device& device, const std::string& name, const std::string& details,
                             const Function& function) {
  std::string full = name + "/" + std::string(device.name());
  if (!details.empty()) full += "/" + details;
  benchmark::RegisterBenchmark(full.c_str(),
                               [&device, function](benchmark::State& state) {
                                 BenchRun run(state, device);
                                 function(run);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

// One per operation, each in its own file.
void RegisterActivationBenchmarks(Device& device);
void RegisterAttentionBenchmarks(Device& device);
void RegisterEmbedRowsBenchmarks(Device& device);
void RegisterEncoderAttentionBenchmarks(Device& device);
void RegisterLinearBenchmarks(Device& device);
void RegisterNormBenchmarks(Device& device);
void RegisterPoolingBenchmarks(Device& device);
void RegisterRopeBenchmarks(Device& device);
void RegisterStoreKvBenchmarks(Device& device);

}  // namespace quire::kernels
