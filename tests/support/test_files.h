#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// Where tests find data and put files.

namespace quire::testing {

// A file below ../shared/data, the third-party test data that may be absent. Tests call
// QUIRE_SKIP_WITHOUT(path) first.
inline std::filesystem::path SharedData(const std::string& relative) {
  return std::filesystem::path("../shared/data") / relative;
}

// The small trained model that most end-to-end tests run.
inline std::filesystem::path Stories260k() { return SharedData("models/stories260k"); }

// The bytes of a file; empty if it cannot be opened.
inline std::string ReadWholeFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A fresh folder that is removed at the end of the scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "quire-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace quire::testing

#define QUIRE_SKIP_WITHOUT(path)                                    \
  if (!std::filesystem::exists(path)) {                             \
    GTEST_SKIP() << (path) << " is absent: this check did not run"; \
  }
