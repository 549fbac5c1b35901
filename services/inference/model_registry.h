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
#include "engine/reranker.h"
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

struct ServedRerankingModel {
  std::string name;
  std::unique_ptr<engine::Reranker> reranker;
};

// At most one of each kind.
struct ServedModels {
  std::optional<ServedLanguageModel> language;
  std::optional<ServedEmbeddingModel> embedding;
  std::optional<ServedRerankingModel> reranking;
};

// The models of one server and their names. A request may say "NAME", "models/NAME", "default",
// "default-embedding", "default-reranking" or nothing.
//
// Thread-safe: immutable.
class ModelRegistry {
 public:
  // `device` is the name for GetServerInfo, `memory` what it says of the host's memory. Requires:
  // at least one model; different names.
  ModelRegistry(std::string device, ServedModels models, engine::MemoryPlan memory = {})
      : device_(std::move(device)), models_(std::move(models)), memory_(std::move(memory)) {}

  // The model that a text, an embedding or a reranking request names; empty means the default of
  // its kind. Return NOT_FOUND if there is no model of that name, FAILED_PRECONDITION if there is
  // but it cannot do this, or if the server has no model of that kind.
  StatusOr<const ServedLanguageModel*> FindLanguageModel(const std::string& name) const;
  StatusOr<const ServedEmbeddingModel*> FindEmbeddingModel(const std::string& name) const;
  StatusOr<const ServedRerankingModel*> FindRerankingModel(const std::string& name) const;
  // The tokenizer of any model; empty means that of the default language model.
  StatusOr<const engine::Tokenizer*> FindTokenizer(const std::string& name) const;

  // The default language model first.
  std::vector<inference::v1::Model> Describe() const;

  const std::string& device() const { return device_; }
  const engine::MemoryPlan& memory() const { return memory_; }
  // Null if the server has none.
  const ServedLanguageModel* language() const { return Get(models_.language); }
  const ServedEmbeddingModel* embedding() const { return Get(models_.embedding); }
  const ServedRerankingModel* reranking() const { return Get(models_.reranking); }

 private:
  template <typename Served>
  static const Served* Get(const std::optional<Served>& model) {
    return model ? &*model : nullptr;
  }
  // What the model of this name does alone, "only embeds"; empty if there is none.
  std::string_view OnlyPurpose(std::string_view name) const;
  // The error of a request for `kind`, "an embedding model", that names no model of it.
  Status NotOfKind(const std::string& name, std::string_view kind) const;

  const std::string device_;
  const ServedModels models_;
  const engine::MemoryPlan memory_;
};

// NOT_FOUND with ResourceInfo for a model that is not served.
Status ModelNotFound(std::string_view name);

inline constexpr std::string_view kDefaultLanguageModel = "default";
inline constexpr std::string_view kDefaultEmbeddingModel = "default-embedding";
inline constexpr std::string_view kDefaultRerankingModel = "default-reranking";

}  // namespace quire::services
