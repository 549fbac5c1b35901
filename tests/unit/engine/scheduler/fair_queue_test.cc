#include "engine/scheduler/fair_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace quire::engine {
namespace {

class FairQueueTest : public ::testing::Test {
 protected:
  Sequence& Add(const std::string& client, const std::string& group = "",
                Priority priority = Priority::kNormal) {
    Request request;
    request.prompt = {1};
    request.scheduling = {.priority = priority, .client = client, .group = group, .cache_salt = {}};
    sequences_.push_back(std::make_unique<Sequence>(MakeSequence(std::move(request), 0)));
    Sequence& sequence = *sequences_.back();
    sequence.arrival = sequences_.size();
    queue_.Join(sequence);
    queue_.Push(sequence, /*in_front=*/false);
    return sequence;
  }

  Sequence* Next() {
    return queue_.Next([](const Sequence&) { return true; });
  }

  // Serves the next sequence: it is charged `tokens` and leaves the queue for good.
  Sequence* Serve(double tokens) {
    Sequence* next = Next();
    queue_.Remove(*next);
    queue_.Charge(*next, tokens);
    queue_.Leave(*next);
    return next;
  }

  FairQueue queue_;
  std::vector<std::unique_ptr<Sequence>> sequences_;
};

TEST_F(FairQueueTest, OneClientIsServedInTheOrderOfArrival) {
  Sequence& first = Add("a");
  Sequence& second = Add("a");
  EXPECT_EQ(queue_.size(), 2);
  EXPECT_EQ(queue_.num_tokens(), 2);
  EXPECT_EQ(Serve(100), &first);
  EXPECT_EQ(Serve(1), &second);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.num_tokens(), 0);
  EXPECT_EQ(Next(), nullptr);
}

TEST_F(FairQueueTest, AClientThatTookMuchWaitsForTheOthers) {
  for (int i = 0; i < 10; ++i) Add("greedy");
  for (int i = 0; i < 3; ++i) Add("modest");
  int num_modest = 0;
  EXPECT_EQ(Serve(10)->request.scheduling.client, "greedy");
  for (int i = 0; i < 6; ++i) num_modest += Serve(10)->request.scheduling.client == "modest";
  EXPECT_EQ(num_modest, 3);
}

TEST_F(FairQueueTest, GroupsOfAClientTakeTurns) {
  for (int i = 0; i < 10; ++i) Add("a", "map step");
  Sequence& question = Add("a", "question");
  Serve(5);
  EXPECT_EQ(Serve(5), &question);
}

TEST_F(FairQueueTest, APauseEarnsNoCredit) {
  for (int i = 0; i < 20; ++i) Add("busy");
  for (int i = 0; i < 10; ++i) Serve(100);
  for (int i = 0; i < 10; ++i) Add("late");
  int num_late = 0;
  for (int i = 0; i < 8; ++i) num_late += Serve(100)->request.scheduling.client == "late";
  EXPECT_EQ(num_late, 4);
}

TEST_F(FairQueueTest, PrioritiesHaveEightTimesTheShare) {
  for (int i = 0; i < 100; ++i) {
    Add("a", "", Priority::kNormal);
    Add("b", "", Priority::kInteractive);
  }
  int num_interactive = 0;
  for (int i = 0; i < 90; ++i) {
    num_interactive += Serve(10)->request.scheduling.priority == Priority::kInteractive;
  }
  EXPECT_NEAR(num_interactive, 80, 2);
}

TEST_F(FairQueueTest, PreemptedSequencesGoFirstInTheirGroup) {
  Sequence& first = Add("a");
  Add("a");
  queue_.Remove(first);
  queue_.Push(first, /*in_front=*/true);
  EXPECT_EQ(Next(), &first);
}

TEST_F(FairQueueTest, WhoCannotRunIsPassedOver) {
  Sequence& blocked = Add("a");
  Sequence& second = Add("a");
  const auto can_run = [&](const Sequence& sequence) { return &sequence != &blocked; };
  EXPECT_EQ(queue_.Next(can_run), &second);
}

// However clients come and go, those that always have work waiting are served alike.
TEST_F(FairQueueTest, BackloggedClientsAreServedWithinOneRequestOfEachOther) {
  std::mt19937 random(5);
  const auto draw = [&](int min, int max) {
    return std::uniform_int_distribution<int>(min, max)(random);
  };
  constexpr double kLargest = 50.0;
  for (int i = 0; i < 2'000; ++i) {
    Add("a");
    Add("b");
  }
  double served_a = 0.0;
  double served_b = 0.0;
  for (int step = 0; step < 3'000; ++step) {
    if (draw(0, 3) == 0) Add(std::string(1, static_cast<char>('c' + draw(0, 5))));
    const double tokens = draw(1, static_cast<int>(kLargest));
    const std::string client = Serve(tokens)->request.scheduling.client;
    served_a += client == "a" ? tokens : 0.0;
    served_b += client == "b" ? tokens : 0.0;
    ASSERT_LE(std::abs(served_a - served_b), kLargest) << "step " << step;
  }
}

}  // namespace
}  // namespace quire::engine
