// How fast one row is multiplied with a weight of each quantized format. One row streams the packed
// weight once, so the bound is its size over the read bandwidth of the device. And how long packing
// takes for a weight, all threads together.
//
// quantized_formats [DEVICE] [ROUNDS]: the formats take turns, and the best of all rounds counts:
// on a shared machine only ratios of one run can be compared. The weights of some layers take turns
// too, so that none is in a cache.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>

#include "kernels/device.h"
#include "tests/bench/value_or_die.h"
#include "tests/support/quantized_tensors.h"

namespace quire::kernels {
namespace {

// MLP up of TinyLlama 1.1B.
constexpr std::int64_t kIn = 2048;
constexpr std::int64_t kOut = 5632;
constexpr std::int64_t kCopiesBytes = std::int64_t{64} << 20;

struct MeasuredFormat {
  std::string name;
  std::vector<std::unique_ptr<PackedWeight>> copies;
  double best_seconds = 1e9;
  double best_pack_seconds = 1e9;
};

// Does `work` and keeps the time that it took in `best_seconds`, if it is less.
template <typename Work>
void KeepLeast(double& best_seconds, Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  best_seconds = std::min(best_seconds, elapsed.count());
}

MeasuredFormat PackFormat(Device& device, std::string name, const QuantizedWeight& weight) {
  MeasuredFormat format = {.name = std::move(name), .copies = {}};
  for (std::int64_t total = 0; total < kCopiesBytes; total += format.copies[0]->size_bytes()) {
    KeepLeast(format.best_pack_seconds,
              [&] { format.copies.push_back(ValueOrDie(device.PackWeight(weight))); });
  }
  return format;
}

std::vector<MeasuredFormat> PackFormats(Device& device) {
  std::mt19937 random(1);
  std::vector<MeasuredFormat> formats;
  const testing::RandomGptq gptq(random, {.bits = 4, .out = kOut, .in = kIn, .group_size = 128});
  formats.push_back(
      PackFormat(device, "gptq int4 g128", *ValueOrDie(NewGptqWeight(gptq.tensors()))));
  const testing::RandomBnb4 nf4(random, {.out = kOut, .in = kIn, .block_size = 64});
  formats.push_back(PackFormat(device, "nf4 b64", *ValueOrDie(NewBnb4Weight(nf4.tensors()))));
  for (const GgufBlockType type : testing::AllGgufBlockTypes()) {
    const testing::RandomGguf gguf(random, type, kOut, kIn);
    formats.push_back(
        PackFormat(device, SizeOf(type).name, *ValueOrDie(NewGgufWeight(gguf.tensors()))));
  }
  return formats;
}

// Memory of a device for a row of floats, all 0.01.
class Row {
 public:
  Row(Device& device, Stream& stream, std::int64_t size)
      : memory_(ValueOrDie(device.Allocate(size * static_cast<std::int64_t>(sizeof(float))))),
        view_{.data = memory_->data(), .rows = 1, .cols = size, .row_stride = size} {
    const std::vector<float> values(static_cast<std::size_t>(size), 0.01f);
    device.CopyToDevice(memory_->data(), values.data(), memory_->size_bytes(), stream);
  }
  const MatrixView& view() const { return view_; }

 private:
  std::unique_ptr<DeviceMemory> memory_;
  MatrixView view_;
};

void MeasureFormats(Device& device, int rounds) {
  const auto stream = ValueOrDie(device.NewStream());
  const Row x(device, *stream, kIn);
  const Row y(device, *stream, kOut);
  std::vector<MeasuredFormat> formats = PackFormats(device);
  double read_bytes_per_s = 0;
  for (int round = 0; round < rounds; ++round) {
    read_bytes_per_s =
        std::max(read_bytes_per_s, ValueOrDie(device.MeasurePeaks()).read_bytes_per_s);
    for (MeasuredFormat& format : formats) {
      for (const auto& weight : format.copies) {
        KeepLeast(format.best_seconds, [&] {
          device.kernels().quantized_linear(
              {.x = x.view(), .weight = weight.get(), .bias = {}, .y = y.view()}, *stream);
          if (!device.Synchronize(*stream).ok()) std::abort();
        });
      }
    }
  }
  fmt::print("{}, one row, in {}, out {}, read bandwidth {:.1f} GB/s\n", device.name(), kIn, kOut,
             read_bytes_per_s * 1e-9);
  for (const MeasuredFormat& format : formats) {
    const auto bytes = static_cast<double>(format.copies[0]->size_bytes());
    fmt::print(
        "{:16} {:5.2f} bits, {:6.0f} us, {:.2f} of the bandwidth, {:.2f} times int4, packed at "
        "{:.2f} ns a weight\n",
        format.name, 8.0 * bytes / (kIn * kOut), format.best_seconds * 1e6,
        bytes / format.best_seconds / read_bytes_per_s,
        format.best_seconds / formats[0].best_seconds,
        format.best_pack_seconds * 1e9 / (kIn * kOut));
  }
}

}  // namespace
}  // namespace quire::kernels

int main(int argc, char** argv) {
  const auto device =
      quire::kernels::ValueOrDie(quire::kernels::FindDevice(argc > 1 ? argv[1] : "cpu"));
  quire::kernels::MeasureFormats(*device, argc > 2 ? std::atoi(argv[2]) : 10);
}
