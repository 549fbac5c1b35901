#pragma once

#include <string>

#include "base/status.h"
#include "services/cli/global_options.h"

// Which embedding model the collections of a data directory were made with, so that later commands
// find it without a flag. Kept in DATA_DIR/collection_models.json beside the store, which knows the
// model's name and weights but not where its files are.

namespace quire::services::cli {

// `models` with the embedding model of `collection`, if none was given and one is remembered.
ModelOptions WithCollectionModel(ModelOptions models, const std::string& collection,
                                 const GlobalOptions& options);

// Notes that `collection` was made with the model of `models`, served as `model_name`.
Status RememberCollectionModel(const GlobalOptions& options, const std::string& collection,
                               const ModelOptions& models, const std::string& model_name);

Status ForgetCollectionModel(const GlobalOptions& options, const std::string& collection);

}  // namespace quire::services::cli
