#include "kernels/quantized_linear.h"

#include <functional>
#include <random>

#include "tests/bench/kernel_bench.h"
#include "tests/bench/value_or_die.h"
#include "tests/support/quantized_tensors.h"

// One token streams the packed weights once: compare with the read bandwidth. Many tokens are bound
// by multiply-adds. `weights_per_s` compares formats: a weight takes as long as its bits are many
// where memory is the bound. The weights of a few layers take turns, so that none is in a cache.

namespace quire::kernels {
namespace {

constexpr std::int64_t kTotalQuantizedBytes = std::int64_t{128} << 20;

// Makes one weight; the same bits serve every layer, each of which is a copy of its own.
using PackRandomWeight = std::unique_ptr<PackedWeight>(Device& device, std::int64_t out,
                                                       std::int64_t in);

void RunQuantized(BenchRun& run, const std::function<PackRandomWeight>& pack, std::int64_t tokens,
                  std::int64_t in, std::int64_t out) {
  std::vector<std::unique_ptr<PackedWeight>> weights;
  for (std::int64_t total = 0; total < kTotalQuantizedBytes; total += weights.back()->size_bytes()) {
    weights.push_back(pack(run.device(), out, in));
  }
  const BenchMatrix x(run.device(), run.stream(), tokens, in);
  const BenchMatrix y(run.device(), run.stream(), tokens, out);
  std::size_t next = 0;
  run.Time([&] {
    run.device().kernels().quantized_linear(
        {.x = x.view(), .weight = weights[next].get(), .bias = {}, .y = y.view()}, run.stream());
    next = (next + 1) % weights.size();
  });
  run.ReportPerSecond("weights_per_s", static_cast<double>(in * out));
  if (tokens <= 4) {
    run.ReportBytes(static_cast<double>(weights[0]->size_bytes()));
  } else {
    run.ReportFlops(2.0 * static_cast<double>(tokens * in * out));
  }
}

struct BenchFormat {
  std::string name;
  std::function<PackRandomWeight> pack;
};

std::vector<BenchFormat> BenchFormats() {
  std::vector<BenchFormat> formats;
  formats.push_back({"gptq_int4_g128", [](Device& device, std::int64_t out, std::int64_t in) {
                       std::mt19937 random(1);
                       const testing::RandomGptq gptq(
                           random, {.bits = 4, .out = out, .in = in, .group_size = 128});
                       return ValueOrDie(
                           device.PackWeight(*ValueOrDie(NewGptqWeight(gptq.tensors()))));
                     }});
  formats.push_back({"nf4_b64", [](Device& device, std::int64_t out, std::int64_t in) {
                       std::mt19937 random(1);
                       const testing::RandomBnb4 bnb(random,
                                                     {.out = out, .in = in, .block_size = 64});
                       return ValueOrDie(
                           device.PackWeight(*ValueOrDie(NewBnb4Weight(bnb.tensors()))));
                     }});
  for (const GgufBlockType type : testing::AllGgufBlockTypes()) {
    formats.push_back({SizeOf(type).name, [type](Device& device, std::int64_t out, std::int64_t in) {
                         std::mt19937 random(1);
                         const testing::RandomGguf gguf(random, type, out, in);
                         return ValueOrDie(
                             device.PackWeight(*ValueOrDie(NewGgufWeight(gguf.tensors()))));
                       }});
  }
  return formats;
}

}  // namespace

void RegisterQuantizedLinearBenchmarks(Device& device) {
  // MLP up of TinyLlama 1.1B.
  constexpr std::int64_t kIn = 2048;
  constexpr std::int64_t kOut = 5632;
  for (const BenchFormat& format : BenchFormats()) {
    for (const std::int64_t tokens : {1, 4, 64}) {
      const std::string details = format.name + "/tokens:" + std::to_string(tokens) +
                                  "/in:" + std::to_string(kIn) + "/out:" + std::to_string(kOut);
      RegisterKernelBenchmark(device, "QuantizedLinear", details, [=](BenchRun& run) {
        RunQuantized(run, format.pack, tokens, kIn, kOut);
      });
    }
  }
}

}  // namespace quire::kernels
