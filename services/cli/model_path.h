#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "services/cli/global_options.h"

// Which directory or .gguf file `--model M` means.

namespace quire::services::cli {

enum class ModelKind { kLanguage, kEmbedding, kReranking };

// A model that can be given by name.
struct NamedModel {
  std::string name;
  std::string path;
  bool bundled = false;  // came with Quire; else in DATA_DIR/models
};

// The models of DATA_DIR/models, then the bundled ones, each by name.
std::vector<NamedModel> ListNamedModels(const GlobalOptions& options);

// The directory or .gguf file of `spec`: an existing path, a model of a hub ("hf:org/repo"), which
// is downloaded if it is not here, else the name of a model. A directory without a config.json
// means the one .gguf file in it. The empty spec means the bundled model of this kind. Returns
// INVALID_ARGUMENT for a form that is not supported and where nothing was given and nothing is
// bundled; NOT_FOUND naming the places looked at; else as PullHubModel.
StatusOr<std::string> ResolveModel(std::string_view spec, ModelKind kind,
                                   const GlobalOptions& options);

// Downloads what is missing of "hf:org/repo[@revision]", with a progress bar on a terminal. Errors
// as hub::PullModel.
StatusOr<std::string> PullHubModel(std::string_view spec, const GlobalOptions& options);

// What a service calls the model at a path: the last part of it, without ".gguf"; of a download the
// repository's name.
std::string ModelName(const std::string& path);

// Marks an error of loading a model that was found: its files are to blame, exit code 6.
Status ModelFileError(const Status& status);

}  // namespace quire::services::cli
