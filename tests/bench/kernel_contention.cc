#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device.h"
#include "tests/bench/value_or_die.h"

// Is a second thread ever a loss? Runs the matrix products of one decoded token of TinyLlama 1.1B
// with one thread and with every core, turn by turn, alone and beside processes that keep a core
// busy, and prints the medians. Run: kernel_contention [ROUNDS]

namespace quire::kernels {
namespace {

struct Shape {
  std::int64_t in;
  std::int64_t out;
};
// Of one layer: q, k with v, output, gate with up, down.
constexpr Shape kLayer[] = {{2048, 2048}, {2048, 512}, {2048, 2048}, {2048, 11'264}, {5632, 2048}};
constexpr int kNumLayers = 22;

// The weights of all layers, shared by the devices under test.
class Weights {
 public:
  explicit Weights(Device& device) {
    for (int layer = 0; layer < kNumLayers; ++layer) {
      for (const Shape& shape : kLayer) {
        const std::int64_t elements = shape.in * shape.out;
        memory_.push_back(ValueOrDie(device.Allocate(elements * 2)));
        std::fill_n(static_cast<std::uint16_t*>(memory_.back()->data()), elements, 0x3c00);
      }
    }
  }
  MatrixView View(int layer, int index) const {
    const Shape& shape = kLayer[index];
    const std::size_t at =
        static_cast<std::size_t>(layer) * std::size(kLayer) + static_cast<std::size_t>(index);
    return {.data = memory_[at]->data(),
            .rows = shape.out,
            .cols = shape.in,
            .row_stride = shape.in,
            .dtype = DType::kBF16};
  }

 private:
  std::vector<std::unique_ptr<DeviceMemory>> memory_;
};

// Milliseconds of one decoded token.
double TimeToken(Device& device, const Weights& weights, std::int64_t tokens) {
  const auto stream = ValueOrDie(device.NewStream());
  std::vector<float> x(static_cast<std::size_t>(tokens) * 5632, 0.5f);
  std::vector<float> y(static_cast<std::size_t>(tokens) * 11'264);
  const auto start = std::chrono::steady_clock::now();
  for (int layer = 0; layer < kNumLayers; ++layer) {
    for (int i = 0; i < static_cast<int>(std::size(kLayer)); ++i) {
      const Shape& shape = kLayer[i];
      device.kernels().linear(
          {.x = {.data = x.data(), .rows = tokens, .cols = shape.in, .row_stride = shape.in},
           .weight = weights.View(layer, i),
           .bias = {},
           .y = {.data = y.data(), .rows = tokens, .cols = shape.out, .row_stride = shape.out}},
          *stream);
    }
  }
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

// Processes that count until they are killed.
class BusyNeighbours {
 public:
  explicit BusyNeighbours(int count) {
    for (int i = 0; i < count; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        for (volatile std::uint64_t n = 0;;) n = n + 1;
      }
      children_.push_back(child);
    }
  }
  ~BusyNeighbours() {
    for (pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  }
  BusyNeighbours(const BusyNeighbours&) = delete;
  BusyNeighbours& operator=(const BusyNeighbours&) = delete;

 private:
  std::vector<pid_t> children_;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Compare(Device& one, Device& all, const Weights& weights, int neighbours, std::int64_t tokens,
             int rounds) {
  const BusyNeighbours busy(neighbours);
  std::vector<double> with_one;
  std::vector<double> with_all;
  for (int round = 0; round < rounds; ++round) {
    with_one.push_back(TimeToken(one, weights, tokens));
    with_all.push_back(TimeToken(all, weights, tokens));
  }
  std::printf("%3d tokens, %d busy neighbours: one thread %8.1f ms, all %8.1f ms, %.2f x\n",
              static_cast<int>(tokens), neighbours, Median(with_one), Median(with_all),
              Median(with_one) / Median(with_all));
}

}  // namespace
}  // namespace quire::kernels

int main(int argc, char** argv) {
  using quire::kernels::FindDevice;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
  const auto one = quire::kernels::ValueOrDie(FindDevice("cpu", {.num_threads = 1}));
  const auto all = quire::kernels::ValueOrDie(FindDevice("cpu"));
  const quire::kernels::Weights weights(*one);
  for (int neighbours : {0, 1, 2}) {
    quire::kernels::Compare(*one, *all, weights, neighbours, /*tokens=*/1, rounds);
    quire::kernels::Compare(*one, *all, weights, neighbours, /*tokens=*/16,
                            std::max(1, rounds / 5));
  }
}
