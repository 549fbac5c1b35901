#include "engine/compute_turns.h"

#include <algorithm>
#include <utility>

namespace quire::engine {
namespace {

constexpr int kStepTimePerPieceTime = 3;
// What may be saved: pieces of a third of this in a row.
constexpr std::chrono::milliseconds kMaxSaved{60};

}  // namespace

ComputeTurns::Turn::Turn(ComputeTurns* turns, bool is_step)
    : turns_(turns), is_step_(is_step), begin_(turns->now_()) {}

ComputeTurns::Turn::Turn(Turn&& other) noexcept
    : turns_(std::exchange(other.turns_, nullptr)),
      is_step_(other.is_step_),
      begin_(other.begin_) {}

ComputeTurns::Turn::~Turn() {
  if (turns_ != nullptr) turns_->EndTurn(is_step_, turns_->now_() - begin_);
}

ComputeTurns::Turn ComputeTurns::TakeStep() {
  std::unique_lock lock(mutex_);
  is_idle_ = false;
  changed_.wait(lock, [this] {
    return !is_taken_ && (num_pieces_waiting_ == 0 || debt_ > Clock::duration::zero());
  });
  is_taken_ = true;
  return Turn(this, /*is_step=*/true);
}

void ComputeTurns::SetIdle() {
  {
    const std::lock_guard lock(mutex_);
    is_idle_ = true;
  }
  changed_.notify_all();
}

ComputeTurns::Turn ComputeTurns::TakePiece() {
  std::unique_lock lock(mutex_);
  ++num_pieces_waiting_;
  changed_.wait(lock,
                [this] { return !is_taken_ && (is_idle_ || debt_ <= Clock::duration::zero()); });
  --num_pieces_waiting_;
  is_taken_ = true;
  return Turn(this, /*is_step=*/false);
}

void ComputeTurns::EndTurn(bool is_step, Clock::duration duration) {
  {
    const std::lock_guard lock(mutex_);
    is_taken_ = false;
    if (is_step) {
      debt_ = std::max<Clock::duration>(debt_ - duration, -kMaxSaved);
    } else if (!is_idle_) {
      debt_ += kStepTimePerPieceTime * duration;
    }
  }
  changed_.notify_all();
}

}  // namespace quire::engine
