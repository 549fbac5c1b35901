#include <cmath>
#include <numeric>

#include "kernels/rope.h"
#include "tests/bench/kernel_bench.h"

// Reads and writes x once; the angles cost arithmetic.

namespace quire::kernels {

void RegisterRopeBenchmarks(Device& device) {
  for (std::int64_t tokens : {1, 256, 4096}) {
    const std::string details = "tokens:" + std::to_string(tokens) + "/heads:32/head_dim:64";
    RegisterKernelBenchmark(device, "Rope", details, [=](BenchRun& run) {
      constexpr std::int32_t kHeadDim = 64;
      const BenchMatrix x(run.device(), run.stream(), tokens, 32 * kHeadDim);
      const BenchMatrix frequency(run.device(), run.stream(), 1, kHeadDim / 2);
      std::vector<std::int32_t> positions(static_cast<std::size_t>(tokens));
      std::iota(positions.begin(), positions.end(), 0);
      const BenchIndices device_positions(run.device(), run.stream(), positions);
      run.Time([&] {
        run.device().kernels().rope(
            {.x = x.view(),
             .positions = device_positions.data(),
             .inverse_frequency = static_cast<const float*>(frequency.view().data),
             .head_dim = kHeadDim,
             .rotary_dim = kHeadDim},
            run.stream());
      });
      run.ReportBytes(2.0 * static_cast<double>(x.size_bytes()));
    });
  }
}

}  // namespace quire::kernels
