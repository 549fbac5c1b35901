#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "engine/scheduler/scheduler.h"

// What one step costs the scheduler: no model, the sequences alone. Run: scheduler_bench

namespace quire::engine {
namespace {

constexpr std::int32_t kPrompt = 500;

// Back to the length after the prompt, so that nothing outgrows its blocks.
void Shorten(const std::vector<std::unique_ptr<Sequence>>& sequences) {
  for (const auto& sequence : sequences) {
    if (sequence->state != SequenceState::kRunning || sequence->num_tokens() < 620) continue;
    sequence->tokens.resize(kPrompt + 1);
    sequence->num_computed = kPrompt;
  }
}

// `num_sequences` running ones that decode and as many that wait for room, of ten clients.
void BM_ScheduleDecodes(benchmark::State& state) {
  const auto num_sequences = static_cast<std::int32_t>(state.range(0));
  BlockAllocator allocator(num_sequences * 42, 16);
  Scheduler scheduler({.max_batch_tokens = 2048, .max_sequences = num_sequences}, allocator);
  std::vector<std::unique_ptr<Sequence>> sequences;
  for (std::int32_t i = 0; i < 2 * num_sequences; ++i) {
    Request request;
    request.prompt.assign(kPrompt, i);
    request.max_new_tokens = 1 << 20;
    request.scheduling.client = std::string(1, static_cast<char>('a' + i % 10));
    sequences.push_back(std::make_unique<Sequence>(MakeSequence(std::move(request), 0)));
    if (!scheduler.Add(*sequences.back()).ok()) return state.SkipWithError("no room");
  }
  const auto step = [&] {
    const Batch& batch = scheduler.Schedule();
    for (const BatchEntry& entry : batch.entries) {
      if (entry.completes()) entry.sequence->tokens.push_back(1);
    }
    const auto num_entries = static_cast<std::int64_t>(batch.entries.size());
    scheduler.Commit();
    return num_entries;
  };
  for (int i = 0; i < 2 * kPrompt; ++i) {
    step();
    Shorten(sequences);
  }
  std::int64_t num_entries = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Shorten(sequences);
    state.ResumeTiming();
    num_entries += step();
  }
  state.counters["sequences"] =
      static_cast<double>(num_entries) / static_cast<double>(state.iterations());
}
BENCHMARK(BM_ScheduleDecodes)->Arg(16)->Arg(64)->Arg(256)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace quire::engine

BENCHMARK_MAIN();
