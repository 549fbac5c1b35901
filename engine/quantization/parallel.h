#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace quire::engine {

// Calls work(piece) for each `piece` in [0, num_pieces) on `num_threads` threads, the caller's
// included, and returns when all are done. Pieces are taken from a counter. `work` must not throw.
template <typename Work>
void ParallelFor(std::int64_t num_pieces, int num_threads, const Work& work) {
  std::atomic<std::int64_t> next{0};
  const auto take_pieces = [&] {
    for (std::int64_t piece = next++; piece < num_pieces; piece = next++) work(piece);
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < num_threads && i < num_pieces; ++i) threads.emplace_back(take_pieces);
  take_pieces();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace quire::engine
