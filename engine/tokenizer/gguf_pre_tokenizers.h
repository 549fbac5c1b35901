#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace quire::engine {

// What "tokenizer.ggml.pre" stands for: how the model's tokenizer.json cuts text, and what else the
// name implies.
struct GgufPreTokenizer {
  nlohmann::json pre_tokenizer;  // as in tokenizer.json
  bool normalizes_nfc = false;
  bool ignore_merges = false;
  bool add_bos = false;
};

// Nothing for a name we do not know. The empty name is "default".
// Source: llama.cpp, src/llama-vocab.cpp, and the tokenizer.json files it was made after.
std::optional<GgufPreTokenizer> FindGgufPreTokenizer(std::string_view name);

}  // namespace quire::engine
