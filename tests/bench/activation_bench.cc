#include "kernels/activation.h"
#include "tests/bench/kernel_bench.h"

// Bound by memory once the arguments leave the caches; by e^x before that.

namespace quire::kernels {
namespace {

void RegisterKind(Device& device, const char* name, ActivationKind kind, std::int64_t tokens,
                  std::int64_t size) {
  const std::string details =
      std::string(name) + "/tokens:" + std::to_string(tokens) + "/size:" + std::to_string(size);
  RegisterKernelBenchmark(device, "GatedActivation", details, [=](BenchRun& run) {
    const BenchMatrix gate(run.device(), run.stream(), tokens, size);
    const BenchMatrix up(run.device(), run.stream(), tokens, size);
    const BenchMatrix out(run.device(), run.stream(), tokens, size);
    run.Time([&] {
      run.device().kernels().gated_activation(
          {.gate = gate.view(), .up = up.view(), .out = out.view(), .kind = kind}, run.stream());
    });
    run.ReportBytes(3.0 * static_cast<double>(gate.size_bytes()));
  });
}

}  // namespace

void RegisterActivationBenchmarks(Device& device) {
  for (std::int64_t tokens : {1, 256, 4096}) {
    RegisterKind(device, "silu", ActivationKind::kSilu, tokens, 5632);
    RegisterKind(device, "gelu", ActivationKind::kGelu, tokens, 5632);
    RegisterKind(device, "gelu_tanh", ActivationKind::kGeluTanh, tokens, 5632);
    RegisterKernelBenchmark(
        device, "Add", "tokens:" + std::to_string(tokens) + "/size:2048", [=](BenchRun& run) {
          const BenchMatrix x(run.device(), run.stream(), tokens, 2048);
          const BenchMatrix y(run.device(), run.stream(), tokens, 2048);
          run.Time(
              [&] { run.device().kernels().add({.x = x.view(), .y = y.view()}, run.stream()); });
          run.ReportBytes(3.0 * static_cast<double>(x.size_bytes()));
        });
    RegisterKernelBenchmark(
        device, "Scale", "tokens:" + std::to_string(tokens) + "/size:2048", [=](BenchRun& run) {
          const BenchMatrix x(run.device(), run.stream(), tokens, 2048);
          run.Time(
              [&] { run.device().kernels().scale({.x = x.view(), .factor = 1.0f}, run.stream()); });
          run.ReportBytes(2.0 * static_cast<double>(x.size_bytes()));
        });
  }
  // The logits of a step.
  for (std::int64_t rows : {1, 32}) {
    RegisterKernelBenchmark(
        device, "SoftCap", "rows:" + std::to_string(rows) + "/size:256000", [=](BenchRun& run) {
          const BenchMatrix x(run.device(), run.stream(), rows, 256000);
          run.Time([&] {
            run.device().kernels().soft_cap({.x = x.view(), .cap = 30.0f}, run.stream());
          });
          run.ReportBytes(2.0 * static_cast<double>(x.size_bytes()));
        });
  }
}

}  // namespace quire::kernels
