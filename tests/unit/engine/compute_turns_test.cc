#include "engine/compute_turns.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace quire::engine {
namespace {

using std::chrono::milliseconds;

// Turns on a clock that the test sets.
class ComputeTurnsTest : public ::testing::Test {
 protected:
  void Step(int ms) {
    const ComputeTurns::Turn turn = turns_.TakeStep();
    now_ms_ += ms;
  }
  void Piece(int ms) {
    const ComputeTurns::Turn turn = turns_.TakePiece();
    now_ms_ += ms;
  }
  std::future<void> PieceElsewhere(int ms) {
    return std::async(std::launch::async, [this, ms] { Piece(ms); });
  }
  static bool IsWaiting(const std::future<void>& piece) {
    return piece.wait_for(milliseconds(20)) == std::future_status::timeout;
  }

  std::atomic<int> now_ms_{0};
  ComputeTurns turns_{[this] { return ComputeTurns::Clock::time_point(milliseconds(now_ms_)); }};
};

TEST_F(ComputeTurnsTest, PiecesGoAtOnceWhileThereAreNoSteps) {
  for (int i = 0; i < 100; ++i) Piece(1'000);
}

TEST_F(ComputeTurnsTest, PieceIsPaidForWithThreeTimesItsTimeOfSteps) {
  Step(0);
  Piece(10);
  auto piece = PieceElsewhere(1);
  Step(29);
  EXPECT_TRUE(IsWaiting(piece));
  Step(1);
  piece.get();
}

TEST_F(ComputeTurnsTest, TimeOfStepsIsSavedUpToALimit) {
  Step(100'000);
  Piece(10);  // 60 ms were saved
  Piece(10);
  Piece(10);
  auto piece = PieceElsewhere(1);
  EXPECT_TRUE(IsWaiting(piece));
  Step(30);
  piece.get();
}

TEST_F(ComputeTurnsTest, PieceThatIsPaidForGoesBeforeTheNextStep) {
  auto first = std::make_unique<ComputeTurns::Turn>(turns_.TakeStep());
  auto piece = PieceElsewhere(7);
  EXPECT_TRUE(IsWaiting(piece));
  first.reset();
  Step(0);
  EXPECT_EQ(now_ms_, 7);
  piece.get();
}

TEST_F(ComputeTurnsTest, WaitingPieceGoesWhenStepsEnd) {
  Step(0);
  Piece(10);
  auto piece = PieceElsewhere(1);
  EXPECT_TRUE(IsWaiting(piece));
  turns_.SetIdle();
  piece.get();
}

TEST_F(ComputeTurnsTest, OneComputesAtATime) {
  std::atomic<int> inside{0};
  std::atomic<bool> overlap{false};
  const auto compute = [&] {
    overlap = overlap || ++inside > 1;
    ++now_ms_;
    --inside;
  };
  const auto embed = [&] {
    for (int i = 0; i < 1'000; ++i) {
      const ComputeTurns::Turn turn = turns_.TakePiece();
      compute();
    }
  };
  auto one = std::async(std::launch::async, embed);
  auto other = std::async(std::launch::async, embed);
  for (int i = 0; i < 1'000; ++i) {
    const ComputeTurns::Turn turn = turns_.TakeStep();
    compute();
  }
  turns_.SetIdle();
  one.get();
  other.get();
  EXPECT_FALSE(overlap);
}

}  // namespace
}  // namespace quire::engine
