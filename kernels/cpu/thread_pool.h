#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace quire::kernels::cpu {

// Runs numbered pieces of work on the calling thread and on workers that live as long as the pool.
// Pieces are taken from an atomic counter, so a thread that the system slows down takes fewer; the
// caller never waits for a worker that has taken none.
//
// Thread-safe: calls from several threads run one after the other.
class ThreadPool {
 public:
  // Starts `num_threads` - 1 workers. Requires num_threads >= 1.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls work(piece, worker) for each `piece` in [0, num_pieces), with `worker` in
  // [0, num_threads()), the caller being 0; returns when all are done. `work` must not call Run.
  template <typename Work>
  void Run(std::int64_t num_pieces, const Work& work) {
    RunErased(
        num_pieces,
        [](const void* erased, std::int64_t piece, int worker) {
          (*static_cast<const Work*>(erased))(piece, worker);
        },
        &work);
  }

 private:
  using Body = void(const void* work, std::int64_t piece, int worker);
  void RunErased(std::int64_t num_pieces, Body* body, const void* work);
  void WorkerLoop(int worker);
  void TakePieces(int worker);

  std::mutex callers_;
  std::vector<std::thread> workers_;

  // The job: written while it is closed and no worker is inside.
  Body* body_ = nullptr;
  const void* work_ = nullptr;
  std::int64_t num_pieces_ = 0;
  std::atomic<std::int64_t> next_piece_{0};

  // A worker enters by raising `inside_` and then looks whether the job is open; the caller closes
  // it and then waits for `inside_` to fall to zero. Sequentially consistent, so one of the two
  // sees the other.
  std::atomic<bool> open_{false};
  std::atomic<int> inside_{0};
  std::atomic<int> generation_{0};  // of jobs; workers sleep on it
  std::atomic<bool> stopping_{false};
};

// Cores that this process may use: its affinity mask, bounded by the CPU quota of its cgroup.
int NumUsableCores();

}  // namespace quire::kernels::cpu
