#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/embedder.h"
#include "engine/engine.h"
#include "engine/memory_plan.h"
#include "quire/inference/v1/inference.pb.h"

namespace quire::services {

struct ServedLanguageModel {
  std::string name;
  std::unique_ptr<engine::Engine> engine;
  std::int32_t kv_block_size = 0;         // tokens per block
  std::int32_t prompt_lookup_tokens = 0;  // where a request does not say
};

struct ServedEmbeddingModel {
  std::string name;
  std::unique_ptr<engine::Embedder> embedder;
};

// The models of one server and their names. A request may say "NAME", "models/NAME", "default",
// "default-embedding" or nothing.
//
// Thread-safe: immutable.
class ModelRegistry {
 public:
  // `device` is the name for GetServerInfo, `memory` what it says of the host's memory. Requires:
  // at least one model; different names.
  ModelRegistry(std::string device, std::optional<ServedLanguageModel> language,
                std::optional<ServedEmbeddingModel> embedding, engine::MemoryPlan memory = {})
      : device_(std::move(device)),
        language_(std::move(language)),
        embedding_(std::move(embedding)),
        memory_(std::move(memory)) {}

  // The model that a text or an embedding request names; empty means the default of its kind.
  // Return NOT_FOUND if there is no model of that name, FAILED_PRECONDITION if there is but it
  // cannot do this, or if the server has no model of that kind.
  StatusOr<const ServedLanguageModel*> FindLanguageModel(const std::string& name) const;
  StatusOr<const ServedEmbeddingModel*> FindEmbeddingModel(const std::string& name) const;
  // The tokenizer of either kind of model; empty means that of the default language model.
  StatusOr<const engine::Tokenizer*> FindTokenizer(const std::string& name) const;

  // The default language model first.
  std::vector<inference::v1::Model> Describe() const;

  const std::string& device() const { return device_; }
  const engine::MemoryPlan& memory() const { return memory_; }
  // Null if the server has none.
  const ServedLanguageModel* language() const { return language_ ? &*language_ : nullptr; }
  const ServedEmbeddingModel* embedding() const { return embedding_ ? &*embedding_ : nullptr; }

 private:
  bool NamesLanguage(std::string_view name) const;
  bool NamesEmbedding(std::string_view name) const;

  const std::string device_;
  const std::optional<ServedLanguageModel> language_;
  const std::optional<ServedEmbeddingModel> embedding_;
  const engine::MemoryPlan memory_;
};

// NOT_FOUND with ResourceInfo for a model that is not served.
Status ModelNotFound(std::string_view name);

inline constexpr std::string_view kDefaultLanguageModel = "default";
inline constexpr std::string_view kDefaultEmbeddingModel = "default-embedding";

}  // namespace quire::services
