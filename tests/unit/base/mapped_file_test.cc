#include "base/mapped_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire {
namespace {

using testing::HasCode;
using testing::IsOk;
using testing::TemporaryDirectory;

TEST(MappedFileTest, ShowsTheBytesOfTheFile) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "file";
  std::ofstream(path) << "quire";
  const auto file = MappedFile::Open(path);
  ASSERT_THAT(file, IsOk());
  const auto bytes = (*file)->bytes();
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "quire");
}

TEST(MappedFileTest, AnEmptyFileHasNoBytes) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "file";
  std::ofstream{path};
  const auto file = MappedFile::Open(path);
  ASSERT_THAT(file, IsOk());
  EXPECT_TRUE((*file)->bytes().empty());
}

TEST(MappedFileTest, MissingFilesAndFoldersAreErrors) {
  const TemporaryDirectory directory;
  EXPECT_THAT(MappedFile::Open(directory.path() / "none"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(MappedFile::Open(directory.path()), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(ReadFileTest, RefusesMoreThanTheLimit) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "file";
  std::ofstream(path) << "quire";
  EXPECT_EQ(ReadFile(path, 5).value(), "quire");
  EXPECT_THAT(ReadFile(path, 4), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace quire
