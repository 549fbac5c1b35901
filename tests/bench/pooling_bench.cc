#include "kernels/pooling.h"
#include "tests/bench/kernel_bench.h"

// Reads every token vector once.

namespace quire::kernels {

void RegisterPoolingBenchmarks(Device& device) {
  for (std::int32_t num_sequences : {1, 64}) {
    const std::string details =
        "mean/sequences:" + std::to_string(num_sequences) + "/length:128/hidden:384";
    RegisterKernelBenchmark(device, "Pool", details, [=](BenchRun& run) {
      constexpr std::int32_t kLength = 128;
      constexpr std::int64_t kHidden = 384;
      const BenchMatrix x(run.device(), run.stream(), num_sequences * kLength, kHidden);
      const BenchMatrix out(run.device(), run.stream(), num_sequences, kHidden);
      std::vector<std::int32_t> cu_seqlens;
      for (std::int32_t s = 0; s <= num_sequences; ++s) cu_seqlens.push_back(s * kLength);
      const BenchIndices sequences(run.device(), run.stream(), cu_seqlens);
      run.Time([&] {
        run.device().kernels().pool(
            {.x = x.view(),
             .sequences = {.data = sequences.data(), .num_sequences = num_sequences},
             .out = out.view()},
            run.stream());
      });
      run.ReportBytes(static_cast<double>(x.size_bytes()));
    });
  }
}

}  // namespace quire::kernels
