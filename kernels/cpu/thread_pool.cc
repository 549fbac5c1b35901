#include "kernels/cpu/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

namespace quire::kernels::cpu {
namespace {

// How long a thread polls before it sleeps. Longer than the gap between two operations of a forward
// pass, shorter than a scheduler's time slice.
constexpr int kSpins = 4000;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits until `value` differs from `old`; returns what it became.
int WaitForChange(const std::atomic<int>& value, int old) {
  for (int i = 0; i < kSpins; ++i) {
    const int current = value.load(std::memory_order_acquire);
    if (current != old) return current;
    Pause();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int num_threads) {
  for (int worker = 1; worker < num_threads; ++worker) {
    workers_.emplace_back([this, worker] { WorkerLoop(worker); });
  }
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::RunErased(std::int64_t num_pieces, Body* body, const void* work) {
  const std::lock_guard lock(callers_);
  body_ = body;
  work_ = work;
  num_pieces_ = num_pieces;
  next_piece_ = 0;
  if (num_pieces <= 1 || workers_.empty()) {
    TakePieces(/*worker=*/0);
    return;
  }
  open_ = true;
  generation_.fetch_add(1);
  generation_.notify_all();
  TakePieces(/*worker=*/0);
  open_ = false;
  for (int inside = inside_; inside != 0;) inside = WaitForChange(inside_, inside);
}

void ThreadPool::TakePieces(int worker) {
  for (;;) {
    const std::int64_t piece = next_piece_.fetch_add(1, std::memory_order_relaxed);
    if (piece >= num_pieces_) return;
    body_(work_, piece, worker);
  }
}

void ThreadPool::WorkerLoop(int worker) {
  int seen = 0;
  while (true) {
    seen = WaitForChange(generation_, seen);
    if (stopping_) return;
    inside_.fetch_add(1);
    if (open_) TakePieces(worker);
    inside_.fetch_sub(1);
    inside_.notify_all();
  }
}

int NumUsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cores = CPU_COUNT(&set);
  // cgroup v2: "QUOTA PERIOD" in microseconds, or "max PERIOD".
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0;
  double period = 0;
  if (file >> quota >> period && quota > 0 && period > 0) {
    cores = std::min(cores, static_cast<int>(std::ceil(quota / period)));
  }
  return std::max(cores, 1);
}

}  // namespace quire::kernels::cpu
