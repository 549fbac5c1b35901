#include <cmath>

#include "kernels/paged_attention.h"
#include "tests/bench/kernel_bench.h"

namespace quire::kernels {
namespace {

// MiniLM-L6: 12 heads of 32.
constexpr std::int32_t kNumHeads = 12;
constexpr std::int32_t kHeadDim = 32;

void Run(BenchRun& run, std::int32_t num_sequences, std::int32_t length) {
  const std::int64_t tokens = std::int64_t{num_sequences} * length;
  const std::int64_t width = std::int64_t{kNumHeads} * kHeadDim;
  const BenchMatrix q(run.device(), run.stream(), tokens, width);
  const BenchMatrix k(run.device(), run.stream(), tokens, width);
  const BenchMatrix v(run.device(), run.stream(), tokens, width);
  const BenchMatrix out(run.device(), run.stream(), tokens, width);
  std::vector<std::int32_t> cu_seqlens;
  for (std::int32_t s = 0; s <= num_sequences; ++s) cu_seqlens.push_back(s * length);
  const BenchIndices sequences(run.device(), run.stream(), cu_seqlens);
  const EncoderAttentionArgs args = {
      .q = q.view(),
      .k = k.view(),
      .v = v.view(),
      .out = out.view(),
      .sequences = {.data = sequences.data(), .num_sequences = num_sequences},
      .num_heads = kNumHeads,
      .head_dim = kHeadDim,
      .scale = 1.0f / std::sqrt(static_cast<float>(kHeadDim))};
  run.Time([&] { run.device().kernels().encoder_attention(args, run.stream()); });
  run.ReportFlops(4.0 * static_cast<double>(tokens) * length * static_cast<double>(width));
}

}  // namespace

void RegisterEncoderAttentionBenchmarks(Device& device) {
  for (std::int32_t length : {32, 128, 256, 512}) {
    const std::int32_t num_sequences = 2048 / length;
    RegisterKernelBenchmark(
        device, "EncoderAttention",
        "sequences:" + std::to_string(num_sequences) + "/length:" + std::to_string(length),
        [=](BenchRun& run) { Run(run, num_sequences, length); });
  }
}

}  // namespace quire::kernels
