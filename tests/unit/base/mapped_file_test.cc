#include "base/mapped_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
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

// Eight pages of 'q'.
class ChangedFileTest : public ::testing::Test {
 protected:
  ChangedFileTest() {
    std::ofstream(path_) << std::string(kPages * kPageBytes, 'q');
    auto file = MappedFile::Open(path_);
    EXPECT_THAT(file, IsOk());
    file_ = *std::move(file);
  }

  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kPages = 8;
  const TemporaryDirectory directory_;
  const std::string path_ = directory_.path() / "file";
  std::unique_ptr<MappedFile> file_;
};

TEST_F(ChangedFileTest, WhatWasCutOffReadsAsZerosAndIsAnError) {
  EXPECT_THAT(file_->CheckUnchanged(), IsOk());
  std::filesystem::resize_file(path_, 2 * kPageBytes);
  // From the back: each read is of a page that the one before did not replace.
  for (std::size_t page = kPages; page-- > 0;) {
    EXPECT_EQ(file_->bytes()[page * kPageBytes + 7], page < 2 ? 'q' : '\0') << page;
  }
  EXPECT_THAT(file_->CheckUnchanged(), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(file_->CheckUnchanged().message(), HasSubstr("truncated"));
}

TEST_F(ChangedFileTest, ThreadsReadOnSideBySide) {
  std::filesystem::resize_file(path_, 0);
  std::vector<std::thread> threads;
  std::atomic<int> sum = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = 0; at < kPages * kPageBytes; at += 64) sum += file_->bytes()[at];
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 0);
}

TEST_F(ChangedFileTest, WhatWasLostStaysLost) {
  const auto old = std::filesystem::last_write_time(path_);
  std::filesystem::resize_file(path_, 0);
  EXPECT_EQ(file_->bytes()[0], 0);
  std::ofstream(path_) << std::string(kPages * kPageBytes, 'q');
  std::filesystem::last_write_time(path_, old);
  EXPECT_THAT(file_->CheckUnchanged(), HasCode(absl::StatusCode::kDataLoss));
}

// A cut within a page makes no fault.
TEST_F(ChangedFileTest, NobodyNeedReadWhatIsMissing) {
  std::filesystem::resize_file(path_, kPages * kPageBytes - 1);
  EXPECT_THAT(file_->CheckUnchanged(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(ChangedFileTest, AFileThatIsWrittenOverIsAnError) {
  std::ofstream(path_) << std::string(kPages * kPageBytes, 'r');
  std::filesystem::last_write_time(
      path_, std::filesystem::last_write_time(path_) + std::chrono::seconds(1));
  EXPECT_THAT(file_->CheckUnchanged().message(), HasSubstr("written to"));
}

TEST_F(ChangedFileTest, AFileThatIsReplacedByNameIsStillThere) {
  std::ofstream(directory_.path() / "other") << "r";
  std::filesystem::rename(directory_.path() / "other", path_);
  EXPECT_EQ(file_->bytes()[kPageBytes], 'q');
  EXPECT_THAT(file_->CheckUnchanged(), IsOk());
}

TEST_F(ChangedFileTest, TheStateOutlivesTheMapping) {
  const auto state = file_->state();
  file_.reset();
  EXPECT_THAT(state->CheckUnchanged(), IsOk());
  std::filesystem::resize_file(path_, 1);
  EXPECT_THAT(state->CheckUnchanged(), HasCode(absl::StatusCode::kDataLoss));
}

// A byte of a mapping that nobody guards, of a file without that byte.
int ReadUnguarded(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  if (::ftruncate(fd, 4096) != 0) return -1;
  const auto* data = static_cast<const char*>(::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
  if (::ftruncate(fd, 0) != 0) return -1;
  return *static_cast<const volatile char*>(data);
}

// In a process of its own, before any file is mapped: the handler of somebody else, then ours.
int ExitCodeWithHandler(const std::string& path) {
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(42); };
  ::sigaction(SIGBUS, &action, nullptr);
  std::ofstream(path) << "quire";
  const auto file = MappedFile::Open(path);
  return ReadUnguarded(path + "2");
}

TEST(BusErrorsDeathTest, AnotherHandlerGetsWhatIsNotOurs) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const TemporaryDirectory directory;
  EXPECT_EXIT(ExitCodeWithHandler(directory.path() / "file"), ::testing::ExitedWithCode(42), "");
}

TEST_F(ChangedFileTest, AnUnguardedReadStillEndsTheProcess) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  // Sanitizers have a handler that reports.
  EXPECT_DEATH(ReadUnguarded(directory_.path() / "other"), "");
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
