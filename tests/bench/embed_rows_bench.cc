#include "kernels/embed_rows.h"
#include "tests/bench/kernel_bench.h"

// Reads scattered rows of the table, writes f32 rows.

namespace quire::kernels {

void RegisterEmbedRowsBenchmarks(Device& device) {
  for (DType dtype : {DType::kBF16, DType::kF32}) {
    for (std::int64_t tokens : {1, 256}) {
      const std::string details =
          std::string(DTypeName(dtype)) + "/tokens:" + std::to_string(tokens) + "/hidden:2048";
      RegisterKernelBenchmark(device, "EmbedRows", details, [=](BenchRun& run) {
        constexpr std::int64_t kVocabSize = 32'000;
        constexpr std::int64_t kHidden = 2048;
        const BenchMatrix table(run.device(), run.stream(), kVocabSize, kHidden, dtype);
        const BenchMatrix out(run.device(), run.stream(), tokens, kHidden);
        std::vector<std::int32_t> ids;
        for (std::int64_t t = 0; t < tokens; ++t) {
          ids.push_back(static_cast<std::int32_t>(t * 7919 % kVocabSize));
        }
        const BenchIndices device_ids(run.device(), run.stream(), ids);
        run.Time([&] {
          run.device().kernels().embed_rows(
              {.table = table.view(), .ids = device_ids.data(), .out = out.view()}, run.stream());
        });
        run.ReportBytes(static_cast<double>(tokens * kHidden * (4 + BytesPerElement(dtype))));
      });
    }
  }
}

}  // namespace quire::kernels
