#include "engine/model/step_recordings.h"

#include <gtest/gtest.h>

#include "tests/support/faulty_device.h"

namespace quire::engine {
namespace {

// Records by counting: what was recorded is a number.
class CountingDevice final : public testing::FaultyDevice {
 public:
  std::unique_ptr<kernels::Recording> Record(kernels::Stream&,
                                             const std::function<void()>& enqueue) override {
    ++num_records;
    if (refuses) return nullptr;
    is_recording = true;
    enqueue();
    is_recording = false;
    return std::make_unique<kernels::Recording>();
  }
  bool Replay(const kernels::Recording&, kernels::Stream&) override {
    if (is_void) return is_void = false;
    ++num_replays;
    return true;
  }

  bool refuses = false;
  bool is_void = false;  // the next Replay finds its memory gone
  bool is_recording = false;
  int num_records = 0;
  int num_replays = 0;
};

class StepRecordingsTest : public ::testing::Test {
 protected:
  StepRecordingsTest() : stream_(*device_.NewStream()), recordings_(device_, *stream_) {}

  void Run(std::int32_t key) {
    recordings_.Run({.attention = {{key}}, .cache = nullptr}, [this] {
      if (!device_.is_recording) ++num_enqueued_;
    });
  }

  CountingDevice device_;
  std::unique_ptr<kernels::Stream> stream_;
  StepRecordings recordings_;
  int num_enqueued_ = 0;
};

TEST_F(StepRecordingsTest, TheSecondStepOfAKeyIsRecordedAndTheOthersReplayed) {
  for (int i = 0; i < 5; ++i) Run(1);
  EXPECT_EQ(num_enqueued_, 1);
  EXPECT_EQ(device_.num_records, 1);
  EXPECT_EQ(device_.num_replays, 4);
  EXPECT_EQ(recordings_.num_replays(), 4);
  Run(2);
  EXPECT_EQ(num_enqueued_, 2);
}

TEST_F(StepRecordingsTest, AVoidRecordingIsMadeAnew) {
  for (int i = 0; i < 3; ++i) Run(1);
  device_.is_void = true;
  Run(1);
  EXPECT_EQ(device_.num_records, 2);
  EXPECT_EQ(device_.num_replays, 3);
  EXPECT_EQ(num_enqueued_, 1);
}

TEST_F(StepRecordingsTest, ADeviceThatRefusesIsNotAskedForever) {
  device_.refuses = true;
  for (int i = 0; i < 40; ++i) Run(1);
  EXPECT_EQ(num_enqueued_, 40);
  EXPECT_EQ(device_.num_records, 8);
}

TEST_F(StepRecordingsTest, TheLeastRecentlyUsedGo) {
  const auto most = static_cast<std::int32_t>(StepRecordings::kMaxRecordings);
  for (std::int32_t key = 0; key < most; ++key) {
    Run(key);
    Run(key);
  }
  Run(0);
  Run(most);  // takes the place of 1
  EXPECT_EQ(num_enqueued_, most + 1);
  Run(0);
  EXPECT_EQ(num_enqueued_, most + 1);
  Run(1);
  EXPECT_EQ(num_enqueued_, most + 2);
}

}  // namespace
}  // namespace quire::engine
