#include "services/hub/hub_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::services::hub {
namespace {

namespace fs = std::filesystem;
using quire::testing::IsOk;
using quire::testing::ReadWholeFile;

constexpr char kCommit[] = "0123456789abcdef0123456789abcdef01234567";

class HubCacheTest : public ::testing::Test {
 protected:
  const quire::testing::TemporaryDirectory folder_;
  const HubCache cache_{folder_.path()};
};

TEST_F(HubCacheTest, ABlobIsLinkedFromTheDepthOfItsName) {
  fs::create_directories(cache_.BlobPath("o/r", "e").parent_path());
  std::ofstream(cache_.BlobPath("o/r", "e")) << "content";
  for (const char* name : {"config.json", "1_Pooling/config.json"}) {
    ASSERT_THAT(cache_.LinkBlob("o/r", kCommit, name, "e"), IsOk());
    ASSERT_THAT(cache_.LinkBlob("o/r", kCommit, name, "e"), IsOk());
    EXPECT_EQ(ReadWholeFile(cache_.SnapshotPath("o/r", kCommit) / name), "content");
  }
  const fs::path snapshot = folder_.path() / "models--o--r" / "snapshots" / kCommit;
  EXPECT_EQ(fs::read_symlink(snapshot / "config.json"), "../../blobs/e");
  EXPECT_EQ(fs::read_symlink(snapshot / "1_Pooling/config.json"), "../../../blobs/e");
}

TEST_F(HubCacheTest, ARevisionIsRemembered) {
  EXPECT_EQ(cache_.FindCommit("o/r", "main"), std::nullopt);
  EXPECT_EQ(cache_.FindCommit("o/r", kCommit), kCommit);
  ASSERT_THAT(cache_.SetCommit("o/r", "main", kCommit), IsOk());
  ASSERT_THAT(cache_.SetCommit("o/r", "refs/pr/1", kCommit), IsOk());
  EXPECT_EQ(cache_.FindCommit("o/r", "main"), kCommit);
  EXPECT_EQ(cache_.FindCommit("o/r", "refs/pr/1"), kCommit);
  EXPECT_EQ(ReadWholeFile(folder_.path() / "models--o--r" / "refs" / "main"), kCommit);
  std::ofstream(folder_.path() / "models--o--r" / "refs" / "main") << "../../../elsewhere";
  EXPECT_EQ(cache_.FindCommit("o/r", "main"), std::nullopt);
}

TEST_F(HubCacheTest, OneAtATimeDownloadsABlob) {
  auto first = cache_.LockBlob("o/r", "e", [] { FAIL(); });
  ASSERT_THAT(first, IsOk());
  std::atomic<bool> waits = false;
  std::atomic<bool> has = false;
  std::thread other([&] {
    const auto second = cache_.LockBlob("o/r", "e", [&] { waits = true; });
    has = second.ok();
  });
  while (!waits) std::this_thread::yield();
  EXPECT_FALSE(has);
  first->reset();
  other.join();
  EXPECT_TRUE(has);
  EXPECT_TRUE(fs::exists(folder_.path() / ".locks" / "models--o--r" / "e.lock"));
}

TEST_F(HubCacheTest, RepositoriesAreListed) {
  for (const char* name : {"models--o--r", "models--gpt2", "datasets--o--d", "models--..--x"}) {
    fs::create_directories(folder_.path() / name / "blobs");
  }
  std::ofstream(folder_.path() / "models--o--r" / "blobs" / "e") << "12345";
  const auto entries = cache_.List();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].repo, "gpt2");
  EXPECT_EQ(entries[1].repo, "o/r");
  EXPECT_EQ(entries[1].size_bytes, 5u);
}

TEST_F(HubCacheTest, ASnapshotKnowsItsRepository) {
  const fs::path snapshot = cache_.SnapshotPath("o/my-model", kCommit);
  EXPECT_EQ(RepoNameOfSnapshot(snapshot), "my-model");
  EXPECT_EQ(RepoNameOfSnapshot(snapshot / "x.gguf"), "my-model");
  EXPECT_EQ(RepoNameOfSnapshot("/models/snapshots/x"), std::nullopt);
}

}  // namespace
}  // namespace quire::services::hub
