#include "tests/bench/kernel_bench.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernels/half.h"
#include "tests/bench/value_or_die.h"

namespace quire::kernels {

BenchMatrix::BenchMatrix(Device& device, Stream& stream, std::int64_t rows, std::int64_t cols,
                         DType dtype)
    : memory_(ValueOrDie(device.Allocate(rows * cols * BytesPerElement(dtype)))),
      view_{
          .data = memory_->data(), .rows = rows, .cols = cols, .row_stride = cols, .dtype = dtype} {
  // A pattern of a prime number of elements, so that no two rows look alike.
  constexpr std::int64_t kPatternElements = 16'381;
  std::vector<float> values(kPatternElements);
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 16) * 0x1p-20f + 0x1p-10f;
    if ((state & 1) != 0) value = -value;
  }
  std::vector<std::byte> pattern(
      static_cast<std::size_t>(kPatternElements * BytesPerElement(dtype)));
  if (dtype == DType::kI8) {
    std::transform(values.begin(), values.end(), reinterpret_cast<std::int8_t*>(pattern.data()),
                   [](float value) { return static_cast<std::int8_t>(value * 2000); });
  } else if (dtype == DType::kF8E4M3) {
    std::transform(values.begin(), values.end(), reinterpret_cast<std::uint8_t*>(pattern.data()),
                   [](float value) { return F32ToF8E4M3(value * 2000); });
  } else {
    ConvertFromF32(dtype, values.data(), pattern.data(), kPatternElements);
  }
  const auto pattern_bytes = static_cast<std::int64_t>(pattern.size());
  for (std::int64_t done = 0; done < size_bytes(); done += pattern_bytes) {
    device.CopyToDevice(static_cast<char*>(memory_->data()) + done, pattern.data(),
                        std::min(pattern_bytes, size_bytes() - done), stream);
  }
}

BenchIndices::BenchIndices(Device& device, Stream& stream, const std::vector<std::int32_t>& values)
    : memory_(ValueOrDie(
          device.Allocate(static_cast<std::int64_t>(values.size() * sizeof(std::int32_t))))) {
  device.CopyToDevice(memory_->data(), values.data(), memory_->size_bytes(), stream);
}

BenchRun::BenchRun(benchmark::State& state, Device& device)
    : state_(state),
      device_(device),
      stream_(ValueOrDie(device.NewStream())),
      peaks_(ValueOrDie(device.MeasurePeaks())) {}

void BenchRun::Wait() {
  const Status status = device_.Synchronize(*stream_);
  if (!status.ok()) state_.SkipWithError(status.ToString().c_str());
}

void BenchRun::ReportBytes(double bytes_per_iteration) {
  Report("bytes_per_s", bytes_per_iteration, peaks_.read_bytes_per_s);
}

void BenchRun::ReportFlops(double flops_per_iteration) {
  Report("flops_per_s", flops_per_iteration, peaks_.f32_flops_per_s);
}

void BenchRun::Report(const char* name, double per_iteration, double peak_per_s) {
  const double total = per_iteration * static_cast<double>(state_.iterations());
  state_.counters[name] = benchmark::Counter(total, benchmark::Counter::kIsRate);
  state_.counters["peak_share"] =
      benchmark::Counter(total / peak_per_s, benchmark::Counter::kIsRate);
}

}  // namespace quire::kernels

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const auto devices = quire::kernels::EnumerateDevices();
  for (const auto& device : devices) {
    quire::kernels::RegisterLinearBenchmarks(*device);
    quire::kernels::RegisterAttentionBenchmarks(*device);
    quire::kernels::RegisterEncoderAttentionBenchmarks(*device);
    quire::kernels::RegisterNormBenchmarks(*device);
    quire::kernels::RegisterActivationBenchmarks(*device);
    quire::kernels::RegisterRopeBenchmarks(*device);
    quire::kernels::RegisterStoreKvBenchmarks(*device);
    quire::kernels::RegisterEmbedRowsBenchmarks(*device);
    quire::kernels::RegisterPoolingBenchmarks(*device);
  }
  benchmark::RunSpecifiedBenchmarks();
}
