#include <numeric>

#include "kernels/paged_attention.h"
#include "tests/bench/kernel_bench.h"

// Reads k and v in f32, writes them in the type of the cache.

namespace quire::kernels {
namespace {

void Run(BenchRun& run, std::int64_t tokens, DType dtype) {
  constexpr std::int32_t kNumKvHeads = 8;
  constexpr std::int32_t kStoreHeadDim = 128;
  constexpr std::int32_t kStoreBlockSize = 16;
  const auto num_blocks =
      static_cast<std::int32_t>((tokens + kStoreBlockSize - 1) / kStoreBlockSize);
  const std::int64_t cache_rows = std::int64_t{num_blocks} * kNumKvHeads * kStoreBlockSize;
  const BenchMatrix k(run.device(), run.stream(), tokens, kNumKvHeads * kStoreHeadDim);
  const BenchMatrix v(run.device(), run.stream(), tokens, kNumKvHeads * kStoreHeadDim);
  const BenchMatrix cache_k(run.device(), run.stream(), cache_rows, kStoreHeadDim, dtype);
  const BenchMatrix cache_v(run.device(), run.stream(), cache_rows, kStoreHeadDim, dtype);
  std::vector<std::int32_t> slots(static_cast<std::size_t>(tokens));
  std::iota(slots.begin(), slots.end(), 0);
  const BenchMatrix k_scales(run.device(), run.stream(), 1, cache_rows);
  const BenchMatrix v_scales(run.device(), run.stream(), 1, cache_rows);
  const BenchIndices slot_mapping(run.device(), run.stream(), slots);
  run.Time([&] {
    run.device().kernels().store_kv({.k = k.view(),
                                     .v = v.view(),
                                     .slot_mapping = slot_mapping.data(),
                                     .cache = {.k = cache_k.view().data,
                                               .v = cache_v.view().data,
                                               .num_blocks = num_blocks,
                                               .block_size = kStoreBlockSize,
                                               .num_kv_heads = kNumKvHeads,
                                               .head_dim = kStoreHeadDim,
                                               .dtype = dtype,
                                               .k_scales = Floats(k_scales),
                                               .v_scales = Floats(v_scales)}},
                                    run.stream());
  });
  const double elements = 2.0 * static_cast<double>(tokens) * kNumKvHeads * kStoreHeadDim;
  const double scales = HasKvScales(dtype) ? elements / kStoreHeadDim : 0;
  run.ReportBytes(elements * static_cast<double>(4 + BytesPerElement(dtype)) + 4 * scales);
}

}  // namespace

void RegisterStoreKvBenchmarks(Device& device) {
  for (DType dtype : {DType::kI8, DType::kF8E4M3, DType::kBF16, DType::kF16, DType::kF32}) {
    if (!device.ValidateKvType(dtype).ok()) continue;
    for (std::int64_t tokens : {1, 256}) {
      RegisterKernelBenchmark(device, "StoreKv",
                              std::string(DTypeName(dtype)) + "/tokens:" + std::to_string(tokens),
                              [=](BenchRun& run) { Run(run, tokens, dtype); });
    }
  }
}

}  // namespace quire::kernels
