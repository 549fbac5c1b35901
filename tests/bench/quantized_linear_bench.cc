#include <fmt/format.h>

#include <map>
#include <random>

#include "kernels/quant/gguf_blocks.h"
#include "kernels/quantized_linear.h"
#include "tests/bench/kernel_bench.h"
#include "tests/bench/value_or_die.h"
#include "tests/support/quantized_tensors.h"

// Products with quantized weights. A few rows stream the weight once: compare with the read
// bandwidth. From where the arithmetic takes longer than that, with the device's efficient batch as
// the mark, they are bound by multiply-adds. To compare formats with one another on a busy CPU
// there is quantized_formats.

namespace quire::kernels {
namespace {

struct Shape {
  std::int64_t in;
  std::int64_t out;
};

using MakePacked = std::function<std::unique_ptr<PackedWeight>(Device&, const Shape&)>;

std::unique_ptr<PackedWeight> PackGptq(Device& device, const Shape& shape, bool act_order) {
  std::mt19937 random(1);
  const testing::RandomGptq tensors(random, {.bits = 4,
                                             .out = shape.out,
                                             .in = shape.in,
                                             .group_size = 128,
                                             .act_order = act_order,
                                             .symmetric = true});
  return ValueOrDie(device.PackWeight(*ValueOrDie(NewGptqWeight(tensors.tensors()))));
}

std::unique_ptr<PackedWeight> PackAwq(Device& device, const Shape& shape) {
  std::mt19937 random(1);
  const testing::RandomAwq tensors(random, {.out = shape.out, .in = shape.in});
  return ValueOrDie(device.PackWeight(*ValueOrDie(NewAwqWeight(tensors.tensors()))));
}

std::unique_ptr<PackedWeight> PackNf4(Device& device, const Shape& shape) {
  std::mt19937 random(1);
  const testing::RandomBnb4 tensors(random, {.out = shape.out, .in = shape.in, .nested = true});
  return ValueOrDie(device.PackWeight(*ValueOrDie(NewBnb4Weight(tensors.tensors()))));
}

std::unique_ptr<PackedWeight> PackInt8(Device& device, const Shape& shape) {
  std::mt19937 random(1);
  const testing::RandomInt8 tensors(random, shape.out, shape.in);
  return ValueOrDie(device.PackWeight(*NewInt8Weight(tensors.tensors())));
}

std::unique_ptr<PackedWeight> PackGguf(Device& device, const Shape& shape, GgufBlockType type) {
  std::mt19937 random(1);
  const testing::RandomGguf tensors(random, type, shape.out, shape.in);
  return ValueOrDie(device.PackWeight(*ValueOrDie(NewGgufWeight(tensors.tensors()))));
}

std::map<std::string, MakePacked> Formats() {
  std::map<std::string, MakePacked> formats = {
      {"gptq-int4-g128", [](Device& d, const Shape& s) { return PackGptq(d, s, false); }},
      {"gptq-int4-g128-act-order", [](Device& d, const Shape& s) { return PackGptq(d, s, true); }},
      {"awq-int4-g128", PackAwq},
      {"nf4-b64-nested", PackNf4},
      {"llm-int8", PackInt8}};
  for (const GgufBlockType type : testing::AllGgufBlockTypes()) {
    formats[SizeOf(type).name] = [type](Device& d, const Shape& s) { return PackGguf(d, s, type); };
  }
  return formats;
}

void Run(BenchRun& run, const MakePacked& make, const Shape& shape, std::int64_t rows) {
  const auto weight = make(run.device(), shape);
  const BenchMatrix x(run.device(), run.stream(), rows, shape.in);
  const BenchMatrix y(run.device(), run.stream(), rows, shape.out);
  run.Time([&] {
    run.device().kernels().quantized_linear(
        {.x = x.view(), .weight = weight.get(), .bias = {}, .y = y.view()}, run.stream());
  });
  if (rows <= 16) {
    run.ReportBytes(static_cast<double>(weight->size_bytes()));
  } else {
    run.ReportFlops(2.0 * static_cast<double>(rows * shape.in * shape.out));
  }
}

}  // namespace

void RegisterQuantizedLinearBenchmarks(Device& device) {
  const bool is_large = device.name().starts_with("cuda");
  const std::vector<Shape> shapes =
      is_large ? std::vector<Shape>{{4096, 4096}, {8192, 8192}, {16384, 16384}}
               : std::vector<Shape>{{2048, 5632}};
  const std::vector<std::int64_t> row_counts = is_large
                                                   ? std::vector<std::int64_t>{1, 4, 16, 64, 512}
                                                   : std::vector<std::int64_t>{1, 16, 256};
  for (const auto& [name, make] : Formats()) {
    for (const Shape& shape : shapes) {
      for (const std::int64_t rows : row_counts) {
        RegisterKernelBenchmark(
            device, "QuantizedLinear",
            fmt::format("{}/rows:{}/in:{}/out:{}", name, rows, shape.in, shape.out),
            [make = make, shape, rows](BenchRun& run) { Run(run, make, shape, rows); });
      }
    }
  }
}

}  // namespace quire::kernels
