#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "engine/model/embedding_model.h"

namespace quire::engine {

// What the files of the sentence-transformers library say beside the model's own; of a GGUF file,
// what its metadata say of the same.
struct SentenceTransformersConfig {
  PoolingConfig pooling;        // mean pooling to unit length where the files are absent
  std::int32_t max_tokens = 0;  // special tokens included; 0 where no file says it
  bool is_static = false;       // the first module is a StaticEmbedding
  // Of weights and tokenizer: the directory itself, one below it, or the GGUF file.
  std::string model_directory;
};

// Reads modules.json, the pooling module's config.json and sentence_bert_config.json of
// `directory`, or the pooling type of the GGUF file at that path. Returns INVALID_ARGUMENT naming
// the field if one is malformed, UNIMPLEMENTED for a module or a pooling we do not have.
StatusOr<SentenceTransformersConfig> LoadSentenceTransformersConfig(const std::string& directory);

}  // namespace quire::engine
