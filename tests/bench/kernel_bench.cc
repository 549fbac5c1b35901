#include "tests/bench/kernel_bench.h"

#include <benchmark/benchmark.h>

#include "tests/bench/value_or_die.h"

namespace quire::kernels {
namespace {

class HostBenchRun final : public BenchRun {
 public:
  HostBenchRun(benchmark::State& state, Device& device)
      : state_(state),
        device_(device),
        stream_(ValueOrDie(device.NewStream())),
        peaks_(ValueOrDie(device.MeasurePeaks())) {}

  Device& device() override { return device_; }
  Stream& stream() override { return *stream_; }

  void Time(const std::function<void()>& operation) override {
    for (auto _ : state_) {
      operation();
      const Status status = device_.Synchronize(*stream_);
      if (!status.ok()) state_.SkipWithError(status.ToString().c_str());
      benchmark::ClobberMemory();
    }
  }
  void ReportBytes(double bytes_per_call) override {
    Report("bytes_per_s", bytes_per_call, peaks_.read_bytes_per_s);
  }
  void ReportFlops(double flops_per_call) override {
    Report("flops_per_s", flops_per_call, peaks_.f32_flops_per_s);
  }

 private:
  void Report(const char* name, double per_call, double peak_per_s) {
    const double total = per_call * static_cast<double>(state_.iterations());
    state_.counters[name] = benchmark::Counter(total, benchmark::Counter::kIsRate);
    state_.counters["peak_share"] =
        benchmark::Counter(total / peak_per_s, benchmark::Counter::kIsRate);
  }

  benchmark::State& state_;
  Device& device_;
  std::unique_ptr<Stream> stream_;
  Peaks peaks_;
};

}  // namespace

void RegisterKernelBenchmark(Device& device, const std::string& name, const std::string& details,
                             const std::function<void(BenchRun&)>& function) {
  std::string full = name + "/" + std::string(device.name());
  if (!details.empty()) full += "/" + details;
  benchmark::RegisterBenchmark(full.c_str(),
                               [&device, function](benchmark::State& state) {
                                 HostBenchRun run(state, device);
                                 function(run);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace quire::kernels

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const auto devices = quire::kernels::EnumerateDevices();
  for (const auto& device : devices) quire::kernels::RegisterAllBenchmarks(*device);
  benchmark::RunSpecifiedBenchmarks();
}
