#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "kernels/paged_attention.h"
#include "tests/bench/kernel_bench.h"

// Decoding streams the cache once: compare with the read bandwidth. Prefill is bound by
// multiply-adds; only products that the causal mask keeps are counted. To compare the types of the
// cache on a shared machine: --benchmark_enable_random_interleaving=true
// --benchmark_repetitions=9 --benchmark_report_aggregates_only=true

namespace quire::kernels {
namespace {

struct Case {
  std::int32_t num_heads;
  std::int32_t num_kv_heads;
  std::int32_t head_dim;
  std::int32_t query_len;
  std::int32_t kv_len;
  DType dtype;
  float soft_cap = 0.0f;
  std::int32_t num_sequences = 1;
};

constexpr std::int32_t kBlockSize = 16;

// Of one key or value, its scale included.
double RowBytes(const Case& c) {
  return static_cast<double>(c.head_dim * BytesPerElement(c.dtype)) +
         (HasKvScales(c.dtype) ? sizeof(float) : 0);
}

// Scales are there for every type; only i8 and f8 read them.
struct Layer {
  Layer(BenchRun& run, const Case& c, std::int64_t rows)
      : k(run.device(), run.stream(), rows, c.head_dim, c.dtype),
        v(run.device(), run.stream(), rows, c.head_dim, c.dtype),
        k_scales(run.device(), run.stream(), 1, rows),
        v_scales(run.device(), run.stream(), 1, rows) {}

  BenchMatrix k;
  BenchMatrix v;
  BenchMatrix k_scales;
  BenchMatrix v_scales;
};

void Run(BenchRun& run, const Case& c) {
  const std::int32_t max_blocks = (c.kv_len + kBlockSize - 1) / kBlockSize;
  const std::int32_t num_blocks = max_blocks * c.num_sequences;
  const std::int64_t rows = std::int64_t{num_blocks} * c.num_kv_heads * kBlockSize;
  // Several layers take turns, 128 MiB of them where that is more than one, so that the cache of
  // none is in a CPU cache.
  const double row_bytes = RowBytes(c);
  const double layer_bytes = 2.0 * static_cast<double>(rows) * row_bytes;
  const auto layers = static_cast<std::size_t>(std::clamp((128 << 20) / layer_bytes, 1.0, 64.0));
  std::vector<Layer> kv;
  for (std::size_t i = 0; i < layers; ++i) kv.emplace_back(run, c, rows);
  const std::int64_t width = std::int64_t{c.num_heads} * c.head_dim;
  const std::int64_t tokens = std::int64_t{c.query_len} * c.num_sequences;
  const BenchMatrix q(run.device(), run.stream(), tokens, width);
  const BenchMatrix out(run.device(), run.stream(), tokens, width);

  std::vector<std::int32_t> block_table(static_cast<std::size_t>(num_blocks));
  std::iota(block_table.begin(), block_table.end(), 0);
  std::shuffle(block_table.begin(), block_table.end(), std::mt19937(1));
  std::vector<std::int32_t> cu_seqlens;
  for (std::int32_t i = 0; i <= c.num_sequences; ++i) cu_seqlens.push_back(i * c.query_len);
  const std::vector<std::int32_t> kv_lens(static_cast<std::size_t>(c.num_sequences), c.kv_len);
  PagedAttentionArgs args = {
      .q = q.view(),
      .out = out.view(),
      .cache = {.num_blocks = num_blocks,
                .block_size = kBlockSize,
                .num_kv_heads = c.num_kv_heads,
                .head_dim = c.head_dim,
                .dtype = c.dtype},
      .batch = {.query = {.data = cu_seqlens.data(), .num_sequences = c.num_sequences},
                .kv_lens = kv_lens.data(),
                .block_table = block_table.data(),
                .max_blocks = max_blocks,
                .num_heads = c.num_heads,
                .num_kv_heads = c.num_kv_heads,
                .head_dim = c.head_dim},
      .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
      .soft_cap = c.soft_cap};
  const auto plan = run.device().kernels().plan_paged_attention(args.batch, run.stream());
  args.plan = plan.get();
  std::size_t next = 0;
  run.Time([&] {
    args.cache.k = kv[next].k.view().data;
    args.cache.v = kv[next].v.view().data;
    args.cache.k_scales = Floats(kv[next].k_scales);
    args.cache.v_scales = Floats(kv[next].v_scales);
    run.device().kernels().paged_attention(args, run.stream());
    next = (next + 1) % layers;
  });
  if (c.query_len == 1) {
    run.ReportBytes(2.0 * c.num_sequences * c.kv_len * c.num_kv_heads * row_bytes);
    return;
  }
  const double pairs = c.num_sequences * c.query_len * (c.kv_len - (c.query_len - 1) / 2.0);
  run.ReportFlops(4.0 * pairs * c.num_heads * c.head_dim);
}

}  // namespace

void RegisterAttentionBenchmarks(Device& device) {
  struct Model {
    const char* name;
    std::int32_t num_heads;
    std::int32_t num_kv_heads;
    std::int32_t head_dim;
    float soft_cap;
  };
  const Model models[] = {{"tinyllama-1.1b", 32, 4, 64, 0.0f},
                          {"llama-3.1-8b", 32, 8, 128, 0.0f},
                          {"llama-2-7b", 32, 32, 128, 0.0f},
                          {"gemma-2-2b", 8, 4, 256, 50.0f},
                          {"gemma-2-2b-uncapped", 8, 4, 256, 0.0f}};
  struct Lengths {
    std::int32_t query_len;
    std::int32_t kv_len;
    std::int32_t num_sequences = 1;
  };
  std::vector<Lengths> lengths = {{1, 256}, {1, 4096}, {256, 256}, {1024, 1024}, {256, 4096}};
  if (device.name().starts_with("cuda")) {
    // Enough for a GPU: decoding 128 MiB and more, whole prompts, and chunks after a long history.
    lengths.insert(lengths.end(), {{1, 4096, 32},
                                   {1, 16'384, 8},
                                   {1, 65'536, 1},
                                   {4096, 4096, 4},
                                   {16'384, 16'384, 1},
                                   {512, 32'768, 1},
                                   {2048, 32'768, 1}});
  }
  for (const Model& model : models) {
    for (DType dtype : {DType::kI8, DType::kF8E4M3, DType::kF16, DType::kBF16, DType::kF32}) {
      if (!device.ValidateKvType(dtype).ok()) continue;
      for (const Lengths& length : lengths) {
        const Case c = {model.num_heads,  model.num_kv_heads,  model.head_dim,
                        length.query_len, length.kv_len,       dtype,
                        model.soft_cap,   length.num_sequences};
        const std::string details = std::string(model.name) + "/" + DTypeName(dtype) +
                                    "/query:" + std::to_string(c.query_len) +
                                    "/kv:" + std::to_string(c.kv_len) +
                                    "/sequences:" + std::to_string(c.num_sequences);
        RegisterKernelBenchmark(device, "PagedAttention", details,
                                [=](BenchRun& run) { Run(run, c); });
      }
    }
  }
}

}  // namespace quire::kernels
