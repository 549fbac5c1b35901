#include "retrieval/commit_queue.h"

#include <gmock/gmock.h>

#include <atomic>
#include <latch>
#include <thread>

namespace quire::retrieval {
namespace {

struct Request {
  int id = 0;
  int order = -1;
};

TEST(CommitQueueTest, EveryRequestIsCarriedOutOnceAndOneGroupAtATime) {
  std::atomic<int> inside = 0;
  int next_order = 0;
  std::size_t largest = 0;
  CommitQueue<Request> queue(
      [&](std::span<Request* const> group) {
        EXPECT_EQ(++inside, 1);
        largest = std::max(largest, group.size());
        for (Request* request : group) {
          EXPECT_EQ(request->order, -1);
          request->order = next_order++;
        }
        std::this_thread::yield();
        --inside;
      },
      [](std::span<Request* const> group, const Request&) { return group.size() < 3; });
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        Request request;
        queue.Run(request);
        EXPECT_GE(request.order, 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(next_order, 8 * 200);
  EXPECT_LE(largest, 3u);
}

TEST(CommitQueueTest, ThoseWhoWaitShareTheNextCommitUnlessTheyMayNot) {
  std::latch first_started(1);
  std::latch others_wait(1);
  std::vector<std::size_t> groups;
  CommitQueue<Request> queue(
      [&](std::span<Request* const> group) {
        groups.push_back(group.size());
        if (groups.size() > 1) return;
        first_started.count_down();
        others_wait.wait();
      },
      [](std::span<Request* const> group, const Request& request) {
        return group.front()->id == request.id;
      });
  std::vector<Request> requests = {{.id = 0}, {.id = 1}, {.id = 1}, {.id = 2}};
  std::vector<std::thread> threads;
  threads.emplace_back([&] { queue.Run(requests[0]); });
  first_started.wait();
  for (std::size_t i = 1; i < requests.size(); ++i) {
    threads.emplace_back([&, i] { queue.Run(requests[i]); });
    while (queue.num_waiting() < i + 1) std::this_thread::yield();  // in line, in this order
  }
  others_wait.count_down();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(groups, ::testing::ElementsAre(1, 2, 1));
}

}  // namespace
}  // namespace quire::retrieval
