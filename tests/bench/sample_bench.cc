#include <random>
#include <string>
#include <vector>

#include "kernels/sample.h"
#include "tests/bench/kernel_bench.h"
#include "tests/bench/value_or_die.h"

// Reads the logits once, as far as memory goes; a draw looks at them again and again in the caches.
// Logits are spread as those of a language model.

namespace quire::kernels {
namespace {

constexpr std::int64_t kVocabSize = 128'256;

std::vector<float> SpreadLogits(std::int64_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<float> logits(static_cast<std::size_t>(count));
  for (float& logit : logits) logit = normal(random);
  return logits;
}

}  // namespace

void RegisterSampleBenchmarks(Device& device) {
  struct Kind {
    const char* name;
    SampleRow row;
  };
  for (const Kind& kind :
       {Kind{"greedy", {}}, Kind{"top_p", {.temperature = 0.8f, .top_p = 0.95f, .uniform = 0.4}}}) {
    for (const std::int64_t rows : {1, 32}) {
      const std::string details = std::string(kind.name) + "/rows:" + std::to_string(rows) +
                                  "/vocab:" + std::to_string(kVocabSize);
      RegisterKernelBenchmark(device, "Sample", details, [=](BenchRun& run) {
        const BenchMatrix logits(run.device(), run.stream(), rows, kVocabSize);
        const std::vector<float> values = SpreadLogits(rows * kVocabSize);
        run.device().CopyToDevice(logits.view().data, values.data(), logits.size_bytes(),
                                  run.stream());
        const std::vector<SampleRow> how(static_cast<std::size_t>(rows), kind.row);
        const auto bytes = static_cast<std::int64_t>(how.size() * sizeof(SampleRow));
        const auto device_how = ValueOrDie(run.device().Allocate(bytes));
        run.device().CopyToDevice(device_how->data(), how.data(), bytes, run.stream());
        const auto tokens = ValueOrDie(
            run.device().Allocate(rows * static_cast<std::int64_t>(sizeof(std::int32_t))));
        run.Time([&] {
          run.device().kernels().sample({.logits = logits.view(),
                                         .rows = static_cast<const SampleRow*>(device_how->data()),
                                         .tokens = static_cast<std::int32_t*>(tokens->data())},
                                        run.stream());
        });
        run.ReportBytes(static_cast<double>(logits.size_bytes()));
      });
    }
  }
}

}  // namespace quire::kernels
