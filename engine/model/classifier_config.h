#pragma once

#include "engine/formats/json_file.h"
#include "engine/model/model_config.h"

namespace quire::engine {

// The labels of config.json as transformers reads them ("id2label", "num_labels", else two), and
// the activation that sentence-transformers notes there: "activation_fn" of "sentence_transformers"
// or "sbert_ce_default_activation_function". UNIMPLEMENTED for another than sigmoid and identity.
void ReadClassifierFields(JsonFields& fields, ClassifierConfig& classifier);

}  // namespace quire::engine
