#include "kernels/norm.h"
#include "tests/bench/kernel_bench.h"

// Bound by memory: reads x, writes out.

namespace quire::kernels {

void RegisterNormBenchmarks(Device& device) {
  for (std::int64_t tokens : {1, 256, 4096}) {
    for (std::int64_t hidden : {384, 2048, 4096}) {
      const std::string details =
          "tokens:" + std::to_string(tokens) + "/hidden:" + std::to_string(hidden);
      RegisterKernelBenchmark(device, "RmsNorm", details, [=](BenchRun& run) {
        const BenchMatrix x(run.device(), run.stream(), tokens, hidden);
        const BenchMatrix weight(run.device(), run.stream(), 1, hidden);
        const BenchMatrix out(run.device(), run.stream(), tokens, hidden);
        run.Time([&] {
          run.device().kernels().rms_norm(
              {.x = x.view(), .weight = weight.view(), .out = out.view()}, run.stream());
        });
        run.ReportBytes(static_cast<double>(x.size_bytes() + out.size_bytes()));
      });
      RegisterKernelBenchmark(device, "LayerNorm", details, [=](BenchRun& run) {
        const BenchMatrix x(run.device(), run.stream(), tokens, hidden);
        const BenchMatrix weight(run.device(), run.stream(), 1, hidden);
        const BenchMatrix bias(run.device(), run.stream(), 1, hidden);
        const BenchMatrix out(run.device(), run.stream(), tokens, hidden);
        run.Time([&] {
          run.device().kernels().layer_norm(
              {.x = x.view(), .weight = weight.view(), .bias = bias.view(), .out = out.view()},
              run.stream());
        });
        run.ReportBytes(static_cast<double>(x.size_bytes() + out.size_bytes()));
      });
    }
  }
}

}  // namespace quire::kernels
