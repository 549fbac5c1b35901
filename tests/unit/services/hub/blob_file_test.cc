#include "services/hub/blob_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::services::hub {
namespace {

using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;

class BlobFileTest : public ::testing::Test {
 protected:
  BlobFileTest() { std::ofstream(path_) << "hello\n"; }

  const quire::testing::TemporaryDirectory folder_;
  const std::filesystem::path path_ = folder_.path() / "file";
};

// What sha256sum and `git hash-object` say of "hello\n".
constexpr char kSha256[] = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
constexpr char kGitSha1[] = "ce013625030ba8dba906f756967f9e9ca394464a";

TEST_F(BlobFileTest, ContentsAreCheckedAgainstTheirHash) {
  EXPECT_THAT(CheckContent(path_, 6, kSha256), IsOk());
  EXPECT_THAT(CheckContent(path_, 6, kGitSha1), IsOk());
  EXPECT_THAT(CheckContent(path_, 6, "W-something"), IsOk());
  std::ofstream(path_) << "hallo\n";
  EXPECT_THAT(CheckContent(path_, 6, kSha256), FailsWith(absl::StatusCode::kDataLoss, kSha256));
  EXPECT_THAT(CheckContent(path_, 6, kGitSha1), FailsWith(absl::StatusCode::kDataLoss, kGitSha1));
}

TEST_F(BlobFileTest, SizesAreChecked) {
  EXPECT_THAT(CheckContent(path_, 7, kSha256),
              FailsWith(absl::StatusCode::kDataLoss, "wanted 7 bytes, have 6"));
  EXPECT_THAT(CheckContent(folder_.path() / "none", 0, kSha256),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(BlobFileTest, WhatDoesNotFitTheDiskIsRefusedBeforehand) {
  EXPECT_THAT(MakeRoom(folder_.path() / "a" / "b", 6), IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(folder_.path() / "a"));
  EXPECT_THAT(MakeRoom(folder_.path() / "a" / "b", std::int64_t{1} << 60),
              HasCode(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace quire::services::hub
