#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace quire::services::hub {

// What a hub says of a repository at one revision.
struct Repository {
  std::string commit;
  std::vector<std::string> files;  // names with slashes, each IsSafePath

  bool Contains(std::string_view file) const;
};

// Reads the answer of GET /api/models/REPO/revision/REVISION. Returns DATA_LOSS if it is none, or
// if a name could reach outside of the snapshot.
StatusOr<Repository> ParseRepository(std::string_view json, const std::string& repo);

// The files of a model that are small and say how it is to be read, out of those there are:
// settings, tokenizer, templates, the list of sentence-transformers' modules, the index of sharded
// weights.
std::vector<std::string> DescriptionFiles(const Repository& repository);

// Where modules.json, with the content `modules_json`, says that parts of the model are: their
// settings and, of a static embedding model, tokenizer and weights.
StatusOr<std::vector<std::string>> ModuleFiles(const Repository& repository,
                                               std::string_view modules_json);

// The weights: model.safetensors, else the shards that the content of model.safetensors.index.json
// names; `index_json` is empty where there is none. None if a module holds them. Returns
// UNIMPLEMENTED saying what there is instead: pickles, or .gguf files to choose from.
StatusOr<std::vector<std::string>> WeightFiles(const Repository& repository,
                                               const std::vector<std::string>& module_files,
                                               std::string_view index_json,
                                               const std::string& repo);

inline constexpr std::string_view kModulesFile = "modules.json";
inline constexpr std::string_view kIndexFile = "model.safetensors.index.json";

}  // namespace quire::services::hub
