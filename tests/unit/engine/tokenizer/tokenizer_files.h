#pragma once

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/tokenizer/tokenizer.h"
#include "tests/support/test_files.h"

namespace quire::engine::testing {

inline void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Loads a tokenizer from the text of its tokenizer.json and, if not empty, tokenizer_config.json.
inline StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizer(const std::string& tokenizer_json,
                                                          const std::string& config_json = "") {
  const quire::testing::TemporaryDirectory directory;
  WriteText(directory.path() / "tokenizer.json", tokenizer_json);
  if (!config_json.empty()) WriteText(directory.path() / "tokenizer_config.json", config_json);
  return Tokenizer::Load(directory.path().string());
}

// A byte-level BPE tokenizer.json: all bytes, the words "he" and "hello", and two control tokens.
nlohmann::json ByteLevelConfig();

}  // namespace quire::engine::testing
