#include "tests/bench/kernel_bench.h"

// What it costs to enqueue as many small operations as a decode step of a large model has, one by
// one and as a recording. Bound by launches; the bytes are those of RmsNorm.

namespace quire::kernels {
namespace {

constexpr int kOperations = 320;
constexpr std::int64_t kHidden = 4096;

}  // namespace

void RegisterRecordingBenchmarks(Device& device) {
  for (const bool is_recorded : {false, true}) {
    if (is_recorded && device.name().starts_with("cpu")) continue;  // records nothing
    const std::string details =
        "operations:" + std::to_string(kOperations) + (is_recorded ? "/replayed" : "/enqueued");
    RegisterKernelBenchmark(device, "Launches", details, [=](BenchRun& run) {
      const BenchMatrix x(run.device(), run.stream(), 1, kHidden);
      const BenchMatrix weight(run.device(), run.stream(), 1, kHidden);
      const BenchMatrix out(run.device(), run.stream(), 1, kHidden);
      const auto enqueue = [&] {
        for (int i = 0; i < kOperations; ++i) {
          run.device().kernels().rms_norm(
              {.x = x.view(), .weight = weight.view(), .out = out.view()}, run.stream());
        }
      };
      const auto recording =
          is_recorded ? run.device().Record(run.stream(), enqueue) : std::unique_ptr<Recording>();
      run.Time([&] {
        if (recording == nullptr || !run.device().Replay(*recording, run.stream())) enqueue();
      });
      run.ReportBytes(kOperations * static_cast<double>(x.size_bytes() + out.size_bytes()));
    });
  }
}

}  // namespace quire::kernels
