#include "retrieval/store/directory_lock.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::retrieval {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::IsOk;

TEST(DirectoryLockTest, ADirectoryHasOneOwnerAtATime) {
  const quire::testing::TemporaryDirectory folder;
  const std::string path = (folder.path() / "a" / "b").string();
  {
    const auto first = DirectoryLock::Acquire(path);
    ASSERT_THAT(first, IsOk());
    EXPECT_THAT(DirectoryLock::Acquire(path),
                FailsWith(absl::StatusCode::kFailedPrecondition, "in use"));
  }
  EXPECT_THAT(DirectoryLock::Acquire(path), IsOk());
}

TEST(DirectoryLockTest, WhatIsNoDirectoryIsRefused) {
  EXPECT_THAT(DirectoryLock::Acquire("/proc/version/x"),
              FailsWith(absl::StatusCode::kFailedPrecondition, "/proc/version/x"));
}

}  // namespace
}  // namespace quire::retrieval
