#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/test_files.h"
#include "tests/support/tiny_model.h"

// Random models with what these tests need of them.

namespace quire::services::testing {

// The tiny Llama with room for `context_tokens` and, if not empty, a chat template.
inline void WriteLanguageModel(const std::filesystem::path& directory, int context_tokens,
                               const std::string& chat_template = "") {
  std::filesystem::create_directories(directory);
  quire::testing::WriteTinyLlama(directory);
  auto config = nlohmann::json::parse(std::ifstream(directory / "config.json"));
  config["max_position_embeddings"] = context_tokens;
  std::ofstream(directory / "config.json") << config.dump();
  if (!chat_template.empty()) {
    std::ofstream(directory / "chat_template.jinja") << chat_template;
  }
}

inline void WriteEmbeddingModel(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  quire::testing::WriteTinyBert(directory);
}

inline void WriteRerankingModel(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  quire::testing::WriteTinyBert(directory, /*seed=*/1, /*is_cross_encoder=*/true);
}

}  // namespace quire::services::testing
