#include "engine/kv/memory_budget.h"

#include <gtest/gtest.h>

#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

// A root with the files that a container sees.
class MemoryBudgetTest : public ::testing::Test {
 protected:
  MemoryBudgetTest() {
    std::filesystem::create_directories(directory_.path() / "proc");
    std::filesystem::create_directories(directory_.path() / "sys/fs/cgroup");
    Write("proc/meminfo",
          "MemTotal:       24683656 kB\nMemFree:        1000 kB\nMemAvailable:   1000000 kB\n");
  }
  void Write(const char* name, const std::string& text) {
    std::ofstream(directory_.path() / name) << text;
  }
  std::int64_t Available() const { return AvailableHostMemoryBytes(directory_.path().string()); }

  testing::TemporaryDirectory directory_;
};

constexpr std::int64_t kSystem = 1'024'000'000;

TEST_F(MemoryBudgetTest, WithoutALimitItIsWhatTheSystemSays) {
  EXPECT_EQ(Available(), kSystem);
  Write("sys/fs/cgroup/memory.max", "max\n");
  Write("sys/fs/cgroup/memory.current", "5000\n");
  EXPECT_EQ(Available(), kSystem);
}

TEST_F(MemoryBudgetTest, ALimitCounts) {
  Write("sys/fs/cgroup/memory.max", "900000000\n");
  Write("sys/fs/cgroup/memory.current", "500000000\n");
  EXPECT_EQ(Available(), 400'000'000);
  // Files that the group has read and does not use are in the way of nobody.
  Write("sys/fs/cgroup/memory.stat", "anon 100\nfile 300000000\ninactive_file 250000000\n");
  EXPECT_EQ(Available(), 650'000'000);
}

TEST_F(MemoryBudgetTest, NeitherMoreThanTheSystemHasNorLessThanNothing) {
  Write("sys/fs/cgroup/memory.max", "90000000000\n");
  Write("sys/fs/cgroup/memory.current", "5\n");
  EXPECT_EQ(Available(), kSystem);
  Write("sys/fs/cgroup/memory.max", "4\n");
  EXPECT_EQ(Available(), 0);
}

TEST_F(MemoryBudgetTest, ASystemThatDoesNotTellHasNone) {
  Write("proc/meminfo", "");
  EXPECT_EQ(Available(), 0);
}

TEST(SystemMemoryTest, ThisSystemTellsItsMemory) { EXPECT_GT(AvailableHostMemoryBytes(), 1 << 20); }

TEST(FormatMemoryTest, UnitsArePowersOfTwo) {
  EXPECT_EQ(FormatMemory(0), "0.0 MiB");
  EXPECT_EQ(FormatMemory(90'800'000), "86.6 MiB");
  EXPECT_EQ(FormatMemory(std::int64_t{31} << 30), "31.0 GiB");
}

}  // namespace
}  // namespace quire::engine
