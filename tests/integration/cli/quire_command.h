#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"
#include "tests/support/test_files.h"

// The `quire` of this build, run as a user runs it.

namespace quire::testing {

inline const std::filesystem::path& TinyModel() {
  static const std::filesystem::path path = SharedData("models/stories260k");
  return path;
}

// The all-MiniLM-L6-v2 directory that QUIRE_TEST_MINILM names, or "".
inline std::string EmbeddingModel() {
  const char* path = std::getenv("QUIRE_TEST_MINILM");
  return path == nullptr ? "" : path;
}
#define QUIRE_SKIP_WITHOUT_EMBEDDING_MODEL() \
  if (EmbeddingModel().empty())              \
  GTEST_SKIP() << "QUIRE_TEST_MINILM names no model: this check did not run"

inline void WriteAll(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// Runs commands on a data directory of its own; settings of the machine stay out.
class QuireTest : public ::testing::Test {
 protected:
  std::vector<std::string> Environment() const {
    return {"QUIRE_DATA_DIR=" + (folder_.path() / "data").string(),
            "QUIRE_MODEL_DIR=" + (folder_.path() / "bundle").string(),
            "HOME=" + folder_.path().string(), "XDG_CONFIG_HOME=" + folder_.path().string()};
  }
  static std::vector<std::string> Command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), QUIRE_BINARY);
    return arguments;
  }
  ProcessResult Run(const std::vector<std::string>& arguments,
                    const std::string& input = "") const {
    return Subprocess(Command(arguments), Environment()).Finish(input);
  }
  // With the tiny language model.
  ProcessResult RunWithModel(std::vector<std::string> arguments,
                             const std::string& input = "") const {
    arguments.insert(arguments.end(), {"--model", TinyModel().string()});
    return Run(arguments, input);
  }

  TemporaryDirectory folder_;
};

}  // namespace quire::testing
