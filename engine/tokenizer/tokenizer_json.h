#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// A tokenizer.json in memory. The two large tables are kept apart from the JSON tree, in file
// order: a tree of 300,000 nodes would take longer to build than all the rest.
struct TokenizerJson {
  nlohmann::json root;                                      // without model.vocab and model.merges
  std::vector<std::pair<std::string, TokenId>> vocab;       // model.vocab, object or array
  std::vector<double> scores;                               // by id; empty if vocab is an object
  std::vector<std::pair<std::string, std::string>> merges;  // model.merges, both spellings
};

// Reads and checks the syntax of a tokenizer.json. Returns NOT_FOUND if there is none,
// INVALID_ARGUMENT naming file and place if it is no JSON, larger than 512 MiB, nested deeper than
// 64, or if vocab or merges have a wrong shape. Ids are integers in [0, 2^31); in a vocab of
// [piece, score] pairs they are the positions.
StatusOr<TokenizerJson> ReadTokenizerJson(const std::string& path);

// Any other small JSON file under the same limits.
StatusOr<nlohmann::json> ReadJson(const std::string& path);

}  // namespace quire::engine
