#include "engine/output_channel.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using std::chrono::milliseconds;
using testing::HasCode;
using testing::IsOk;

OutputEvent Event(const std::string& text, TokenId id) {
  OutputEvent event;
  event.text = text;
  event.ids = {id};
  event.usage.completion_tokens = id;
  return event;
}

TEST(OutputChannelTest, EventsThatWaitAreJoined) {
  OutputChannel channel;
  channel.Write(Event("a", 1));
  channel.Write(Event("b", 2));
  OutputEvent last = Event("c", 3);
  last.finish = FinishReason::kStop;
  channel.Write(last);
  const auto event = channel.Read(milliseconds(0));
  ASSERT_THAT(event, IsOk());
  ASSERT_TRUE(event->has_value());
  EXPECT_EQ((*event)->text, "abc");
  EXPECT_EQ((*event)->ids, (std::vector<TokenId>{1, 2, 3}));
  EXPECT_EQ((*event)->finish, FinishReason::kStop);
  EXPECT_EQ((*event)->usage.completion_tokens, 3);
}

TEST(OutputChannelTest, NothingFollowsTheLastEvent) {
  OutputChannel channel;
  OutputEvent last = Event("a", 1);
  last.finish = FinishReason::kLength;
  channel.Write(last);
  channel.Write(Event("b", 2));
  channel.Fail(Internal("too late"));
  ASSERT_THAT(channel.Read(milliseconds(0)), IsOk());
  const auto after = channel.Read(std::chrono::hours(1));  // does not wait
  ASSERT_THAT(after, IsOk());
  EXPECT_FALSE(after->has_value());
}

TEST(OutputChannelTest, TimeoutGivesNothing) {
  OutputChannel channel;
  const auto event = channel.Read(milliseconds(1));
  ASSERT_THAT(event, IsOk());
  EXPECT_FALSE(event->has_value());
}

TEST(OutputChannelTest, ErrorComesAfterWhatWasWritten) {
  OutputChannel channel;
  channel.Write(Event("a", 1));
  channel.Fail(Cancelled("stop"));
  const auto event = channel.Read(milliseconds(0));
  ASSERT_THAT(event, IsOk());
  EXPECT_TRUE(event->has_value());
  EXPECT_THAT(channel.Read(milliseconds(0)), HasCode(absl::StatusCode::kCancelled));
  EXPECT_THAT(channel.Read(milliseconds(0)), HasCode(absl::StatusCode::kCancelled));
}

TEST(OutputChannelTest, ReaderWakesWhenAnEventComes) {
  OutputChannel channel;
  std::thread writer([&] { channel.Write(Event("a", 1)); });
  const auto event = channel.Read(std::chrono::minutes(1));
  writer.join();
  ASSERT_THAT(event, IsOk());
  EXPECT_TRUE(event->has_value());
}

}  // namespace
}  // namespace quire::engine
