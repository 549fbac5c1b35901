#include "kernels/linear.h"
#include "tests/bench/kernel_bench.h"

// One token streams the weights once: compare with the read bandwidth. Many tokens are bound by
// multiply-adds. The weights of a few layers take turns, so that none is in a cache.

namespace quire::kernels {
namespace {

constexpr std::int64_t kTotalWeightBytes = std::int64_t{256} << 20;

void Run(BenchRun& run, std::int64_t tokens, std::int64_t in, std::int64_t out, DType dtype) {
  std::vector<BenchMatrix> weights;
  const std::int64_t weight_bytes = in * out * BytesPerElement(dtype);
  for (std::int64_t total = 0; total < kTotalWeightBytes; total += weight_bytes) {
    weights.emplace_back(run.device(), run.stream(), out, in, dtype);
  }
  const BenchMatrix x(run.device(), run.stream(), tokens, in);
  const BenchMatrix y(run.device(), run.stream(), tokens, out);
  std::size_t next = 0;
  run.Time([&] {
    run.device().kernels().linear(
        {.x = x.view(), .weight = weights[next].view(), .bias = {}, .y = y.view()}, run.stream());
    next = (next + 1) % weights.size();
  });
  // Up to a few tokens the weights are what costs.
  if (tokens <= 4) {
    run.ReportBytes(static_cast<double>(weight_bytes));
  } else {
    run.ReportFlops(2.0 * static_cast<double>(tokens * in * out));
  }
}

}  // namespace

void RegisterLinearBenchmarks(Device& device) {
  struct Shape {
    std::int64_t in;
    std::int64_t out;
  };
  // Of TinyLlama 1.1B: attention output, MLP up, MLP down, language model head.
  const Shape shapes[] = {{2048, 2048}, {2048, 5632}, {5632, 2048}, {2048, 32'000}};
  for (DType dtype : {DType::kBF16, DType::kF16, DType::kF32}) {
    for (std::int64_t tokens : {1, 2, 4, 8, 16, 64, 256}) {
      for (const Shape& shape : shapes) {
        const std::string details =
            std::string(DTypeName(dtype)) + "/tokens:" + std::to_string(tokens) +
            "/in:" + std::to_string(shape.in) + "/out:" + std::to_string(shape.out);
        RegisterKernelBenchmark(device, "Linear", details, [=](BenchRun& run) {
          Run(run, tokens, shape.in, shape.out, dtype);
        });
      }
    }
  }
}

}  // namespace quire::kernels
