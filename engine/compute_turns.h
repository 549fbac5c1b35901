#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace quire::engine {

// Whose turn it is on a device that a language model and encoders share. Both would otherwise
// take turns kernel by kernel, and every small kernel of a decoding step would wait for a large one
// of an embedding batch.
//
// While the language model has work, the embedder computes for at most a quarter of the time: each
// of its pieces is paid for with three times as long of steps. Steps that went by unused are saved
// up to a limit, so that the embedding of a question does not wait at all.
//
// Thread-safe; for one language model and any number of encoders: embedders and rerankers.
class ComputeTurns {
 public:
  using Clock = std::chrono::steady_clock;

  // Ends the turn it was taken for when it goes.
  class Turn {
   public:
    Turn() = default;
    Turn(ComputeTurns* turns, bool is_step);
    ~Turn();
    Turn(Turn&& other) noexcept;
    Turn& operator=(Turn&&) = delete;

   private:
    ComputeTurns* turns_ = nullptr;
    bool is_step_ = false;
    Clock::time_point begin_;
  };

  explicit ComputeTurns(std::function<Clock::time_point()> now = Clock::now)
      : now_(std::move(now)) {}

  // Waits for the turn to compute a step. Requires: one thread alone calls this.
  Turn TakeStep();
  // The language model has no step to compute for now: encoders need not wait for it.
  void SetIdle();
  // Waits for the turn to compute a piece of an embedding batch.
  Turn TakePiece();

 private:
  void EndTurn(bool is_step, Clock::duration duration);

  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_taken_ = false;
  bool is_idle_ = true;
  int num_pieces_waiting_ = 0;
  Clock::duration debt_{0};  // time of steps that must pass before the next piece
};

}  // namespace quire::engine
