#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/cuda/measure.h"
#include "tests/bench/kernel_bench.h"
#include "tests/bench/value_or_die.h"

// Measures every operation on a GPU by the GPU's clock. Before each call a memory area far larger
// than the second-level cache is written, so that nothing is in a cache. Each row says how much of
// the copy bandwidth or of the matmul rate of this very GPU, measured first, it reaches; figures
// are medians with the quartiles beside them. Products with quantized weights are measured beside
// cuBLASLt in bf16.
//
// Usage: quire_gpu_bench [--device NAME] [--filter TEXT] [--repeats N] [--json FILE]

namespace quire::kernels {
namespace {

// Written before each call: five times the largest second-level cache so far.
constexpr std::int64_t kFlushFloats = std::int64_t{64} << 20;

struct Options {
  std::string device = "cuda";
  std::string filter;
  std::string json;
  int repeats = 20;
};

struct Marks {
  double copy_bytes_per_s = 0;
  double matmul_flops_per_s = 0;  // 0: not measured
  double f32_flops_per_s = 0;
};

struct Row {
  std::string name;
  double median_s = 0;
  double lower_s = 0;  // quartiles
  double upper_s = 0;
  double rate = 0;  // bytes or operations a second
  bool counts_bytes = false;
  double share = 0;  // of the copy bandwidth or of the matmul rate; 0: no mark
};

struct Registered {
  std::string name;
  std::function<void(BenchRun&)> function;
};
std::vector<Registered>& AllRegistered() {
  static std::vector<Registered> all;
  return all;
}

class GpuBenchRun final : public BenchRun {
 public:
  GpuBenchRun(Device& device, const Marks& marks, int repeats)
      : device_(device),
        marks_(marks),
        repeats_(repeats),
        stream_(ValueOrDie(device.NewStream())),
        flushed_(device, *stream_, 1024, kFlushFloats / 1024) {}

  Device& device() override { return device_; }
  Stream& stream() override { return *stream_; }

  void Time(const std::function<void()>& operation) override {
    const auto timer = ValueOrDie(cuda::NewStreamTimer(*stream_));
    std::vector<double> seconds;
    for (int i = 0; i <= repeats_; ++i) {
      device_.kernels().scale({.x = flushed_.view(), .factor = 1.0f}, *stream_);
      timer->Start();
      operation();
      timer->Stop();
      const double elapsed = ValueOrDie(timer->Seconds());
      if (i > 0) seconds.push_back(elapsed);  // the first warms up
    }
    std::sort(seconds.begin(), seconds.end());
    const auto at = [&](double part) {
      return seconds[static_cast<std::size_t>(part * static_cast<double>(seconds.size() - 1))];
    };
    row_.lower_s = at(0.25);
    row_.median_s = at(0.5);
    row_.upper_s = at(0.75);
  }
  void ReportBytes(double bytes_per_call) override {
    Report(bytes_per_call, marks_.copy_bytes_per_s);
    row_.counts_bytes = true;
  }
  void ReportFlops(double flops_per_call) override {
    Report(flops_per_call, marks_.matmul_flops_per_s);
  }
  const Row& row() const { return row_; }

 private:
  void Report(double per_call, double mark) {
    row_.rate = per_call / row_.median_s;
    row_.share = mark > 0 ? row_.rate / mark : 0;
  }

  Device& device_;
  const Marks& marks_;
  const int repeats_;
  std::unique_ptr<Stream> stream_;
  BenchMatrix flushed_;
  Row row_;
};

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--device") {
      options.device = value;
    } else if (name == "--filter") {
      options.filter = value;
    } else if (name == "--json") {
      options.json = value;
    } else if (name == "--repeats") {
      options.repeats = std::max(1, std::atoi(value.c_str()));
    } else {
      fmt::print(stderr, "quire_gpu_bench: no option {}\n", name);
      std::exit(2);
    }
  }
  return options;
}

Marks MeasureMarks(Device& device) {
  const auto stream = ValueOrDie(device.NewStream());
  Marks marks;
  marks.copy_bytes_per_s = ValueOrDie(cuda::MeasureCopyBytes(device, *stream));
  marks.f32_flops_per_s = ValueOrDie(device.MeasurePeaks()).f32_flops_per_s;
  const auto matmul = cuda::MeasureMatmulFlops(device, *stream);
  if (matmul.ok()) {
    marks.matmul_flops_per_s = *matmul;
  } else {
    fmt::print(stderr, "quire_gpu_bench: matmul rate not measured: {}\n",
               matmul.status().ToString());
  }
  return marks;
}

void Print(const Row& row) {
  const std::string rate = row.counts_bytes ? fmt::format("{:8.1f} GB/s", row.rate * 1e-9)
                                            : fmt::format("{:8.2f} TFLOP/s", row.rate * 1e-12);
  const std::string share =
      row.share > 0 ? fmt::format("{:5.1f} %", 100 * row.share) : std::string("no mark");
  fmt::print("{:<84} {:9.2f} us [{:.2f}, {:.2f}] {:>17} {:>8}\n", row.name, row.median_s * 1e6,
             row.lower_s * 1e6, row.upper_s * 1e6, rate, share);
  std::fflush(stdout);
}

nlohmann::json ToJson(const Row& row) {
  return {{"name", row.name},
          {"median_s", row.median_s},
          {"lower_quartile_s", row.lower_s},
          {"upper_quartile_s", row.upper_s},
          {row.counts_bytes ? "bytes_per_s" : "flops_per_s", row.rate},
          {"share", row.share}};
}

// bf16 products of the library at the shapes of the quantized ones.
void RegisterLibraryProducts(Device& device) {
  for (const std::int64_t size : {4096, 8192, 16384}) {
    for (const std::int64_t rows : {1, 4, 16, 64, 512}) {
      RegisterKernelBenchmark(
          device, "CublasLt", fmt::format("bf16/rows:{}/in:{}/out:{}", rows, size, size),
          [=](BenchRun& run) {
            const auto product =
                cuda::NewLibraryMatmul(run.device(), run.stream(), rows, size, size);
            if (!product.ok()) return;
            run.Time([&] { (*product)->Run(); });
            if (rows <= 16) {
              run.ReportBytes(2.0 * static_cast<double>(size * size));
            } else {
              run.ReportFlops(2.0 * static_cast<double>(rows * size * size));
            }
          });
    }
  }
}

int Main(const Options& options) {
  const auto found = FindDevice(options.device);
  if (!found.ok()) {
    fmt::print(stderr, "quire_gpu_bench: {}\n", found.status().ToString());
    return 1;
  }
  Device& device = **found;
  if (!device.name().starts_with("cuda")) {
    fmt::print(stderr, "quire_gpu_bench: wanted a CUDA device, have {}\n", device.name());
    return 2;
  }
  const Marks marks = MeasureMarks(device);
  fmt::print("{}: copy {:.0f} GB/s, bf16 matmul {:.0f} TFLOP/s, f32 multiply-add {:.1f} TFLOP/s\n",
             device.name(), marks.copy_bytes_per_s * 1e-9, marks.matmul_flops_per_s * 1e-12,
             marks.f32_flops_per_s * 1e-12);
  RegisterAllBenchmarks(device);
  RegisterLibraryProducts(device);

  nlohmann::json rows = nlohmann::json::array();
  for (const Registered& registered : AllRegistered()) {
    if (registered.name.find(options.filter) == std::string::npos) continue;
    GpuBenchRun run(device, marks, options.repeats);
    registered.function(run);
    if (run.row().median_s == 0) continue;  // the library is not there
    Row row = run.row();
    row.name = registered.name;
    Print(row);
    rows.push_back(ToJson(row));
  }
  if (rows.empty()) {
    fmt::print(stderr, "quire_gpu_bench: no benchmark has \"{}\" in its name\n", options.filter);
    return 1;
  }
  if (!options.json.empty()) {
    std::ofstream(options.json) << nlohmann::json({{"device", device.name()},
                                                   {"copy_bytes_per_s", marks.copy_bytes_per_s},
                                                   {"matmul_flops_per_s", marks.matmul_flops_per_s},
                                                   {"f32_flops_per_s", marks.f32_flops_per_s},
                                                   {"rows", rows}})
                                       .dump(1)
                                << "\n";
  }
  return 0;
}

}  // namespace

void RegisterKernelBenchmark(Device& device, const std::string& name, const std::string& details,
                             const std::function<void(BenchRun&)>& function) {
  AllRegistered().push_back({fmt::format("{}/{}/{}", name, device.name(), details), function});
}

}  // namespace quire::kernels

int main(int argc, char** argv) {
  return quire::kernels::Main(quire::kernels::ParseOptions(argc, argv));
}
