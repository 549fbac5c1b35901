#include "engine/reranker.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/encoder_passes.h"
#include "engine/formats/json_file.h"
#include "engine/formats/model_weights.h"
#include "engine/model/cross_encoder.h"
#include "engine/model/model_config.h"
#include "engine/option_validation.h"

namespace quire::engine {
namespace {

// What makes a reranker, before it runs.
struct LoadedCrossEncoder {
  ModelConfig config;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<CrossEncoder> encoder;
  std::int32_t max_tokens = 0;
  std::int32_t num_special_tokens = 0;  // around and between two texts
  std::int32_t max_batch_tokens = 0;
};

float Sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

// The share of the last of `logits` in their softmax.
float LastProbability(std::span<const float> logits) {
  const float most = *std::max_element(logits.begin(), logits.end());
  float sum = 0.0f;
  for (const float logit : logits) sum += std::exp(logit - most);
  return std::exp(logits.back() - most) / sum;
}

float ScoreOf(std::span<const float> logits, const ClassifierConfig& classifier) {
  if (logits.size() > 1) return LastProbability(logits);
  const bool is_raw = classifier.activation == ClassifierConfig::Activation::kIdentity;
  return is_raw ? logits.front() : Sigmoid(logits.front());
}

class CrossEncoderReranker final : public Reranker {
 public:
  CrossEncoderReranker(LoadedCrossEncoder model, std::shared_ptr<ComputeTurns> turns)
      : model_(std::move(model)), passes_(model_.max_batch_tokens, std::move(turns)) {}

  StatusOr<RerankBatch> Rerank(const std::string& query,
                               std::span<const std::string> documents) override;

  const Tokenizer& tokenizer() const override { return *model_.tokenizer; }
  std::int32_t num_labels() const override { return model_.config.classifier.num_labels; }
  std::int32_t max_tokens() const override { return model_.max_tokens; }
  std::int32_t max_query_tokens() const override {
    return model_.max_tokens - model_.num_special_tokens - 1;
  }
  ModelMemory memory() const override {
    return {.weight_bytes = model_.encoder->weight_bytes(),
            .workspace_bytes = model_.encoder->workspace_bytes()};
  }
  const std::string& architecture() const override { return model_.config.architecture; }

 private:
  StatusOr<std::vector<TokenId>> EncodeQuery(const std::string& query) const;
  // The pair of the query with documents[index]; notes its length in `batch`.
  StatusOr<TokenPair> EncodePair(std::span<const TokenId> query, const std::string& document,
                                 std::size_t index, RerankBatch& batch) const;
  Status CheckIds(std::string_view where, std::span<const TokenId> ids) const {
    return CheckTokenIds(where, ids, model_.config.vocab_size);
  }
  // Scores the pairs that `order` names, one forward pass, into their places of `batch`.
  Status ScorePass(std::span<const std::size_t> order, const std::function<void()>& before_layer,
                   std::span<const TokenPair> pairs, RerankBatch& batch);

  const LoadedCrossEncoder model_;
  EncoderPasses passes_;  // guards the encoder
};

StatusOr<std::vector<TokenId>> CrossEncoderReranker::EncodeQuery(const std::string& query) const {
  std::vector<TokenId> ids = model_.tokenizer->Encode(query, {.add_special_tokens = false});
  if (ids.size() > static_cast<std::size_t>(max_query_tokens())) {
    return InvalidArgument("query: wanted at most {} tokens, have {}", max_query_tokens(),
                           ids.size());
  }
  QUIRE_RETURN_IF_ERROR(CheckIds("query", ids));
  return ids;
}

StatusOr<TokenPair> CrossEncoderReranker::EncodePair(std::span<const TokenId> query,
                                                     const std::string& document, std::size_t index,
                                                     RerankBatch& batch) const {
  std::vector<TokenId> ids = model_.tokenizer->Encode(document, {.add_special_tokens = false});
  const std::size_t room = static_cast<std::size_t>(max_query_tokens()) + 1 - query.size();
  batch.truncated.push_back(ids.size() > room);
  if (ids.size() > room) ids.resize(room);
  QUIRE_RETURN_IF_ERROR(CheckIds(fmt::format("documents[{}]", index), ids));
  QUIRE_ASSIGN_OR_RETURN(TokenPair pair, model_.tokenizer->JoinPair(query, ids));
  batch.num_tokens.push_back(static_cast<std::int32_t>(pair.ids.size()));
  return pair;
}

Status CrossEncoderReranker::ScorePass(std::span<const std::size_t> order,
                                       const std::function<void()>& before_layer,
                                       std::span<const TokenPair> pairs, RerankBatch& batch) {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> type_ids;
  std::vector<std::int32_t> cu_seqlens = {0};
  for (const std::size_t index : order) {
    const TokenPair& pair = pairs[index];
    ids.insert(ids.end(), pair.ids.begin(), pair.ids.end());
    type_ids.insert(type_ids.end(), pair.type_ids.begin(), pair.type_ids.end());
    cu_seqlens.push_back(static_cast<std::int32_t>(ids.size()));
  }
  QUIRE_ASSIGN_OR_RETURN(
      const std::span<const float> logits,
      model_.encoder->Score({.ids = ids, .type_ids = type_ids, .cu_seqlens = cu_seqlens},
                            before_layer));
  const auto num = static_cast<std::size_t>(num_labels());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::span<const float> own = logits.subspan(i * num, num);
    if (!std::all_of(own.begin(), own.end(), [](float x) { return std::isfinite(x); })) {
      return DataLoss("documents[{}]: wanted finite logits: the weights are damaged", order[i]);
    }
    std::copy(own.begin(), own.end(),
              batch.logits.begin() + static_cast<std::ptrdiff_t>(order[i] * num));
    batch.scores[order[i]] = ScoreOf(own, model_.config.classifier);
  }
  return OkStatus();
}

StatusOr<RerankBatch> CrossEncoderReranker::Rerank(const std::string& query,
                                                   std::span<const std::string> documents) {
  QUIRE_ASSIGN_OR_RETURN(const std::vector<TokenId> query_ids, EncodeQuery(query));
  RerankBatch batch;
  std::vector<TokenPair> pairs;
  std::vector<std::size_t> num_tokens;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    QUIRE_ASSIGN_OR_RETURN(TokenPair pair, EncodePair(query_ids, documents[i], i, batch));
    num_tokens.push_back(pair.ids.size());
    pairs.push_back(std::move(pair));
  }
  batch.scores.resize(documents.size());
  batch.logits.resize(documents.size() * static_cast<std::size_t>(num_labels()));
  QUIRE_RETURN_IF_ERROR(passes_.Run(num_tokens, [&](auto order, const auto& before_layer) {
    return ScorePass(order, before_layer, pairs, batch);
  }));
  return batch;
}

// The length that a pair may have: the model's, and what its tokenizer was saved with.
StatusOr<std::int32_t> MaxTokens(const std::string& directory, const ModelConfig& config) {
  const StatusOr<nlohmann::json> json = ReadJsonFile(directory + "/tokenizer_config.json");
  if (absl::IsNotFound(json.status())) return config.max_position_embeddings;
  QUIRE_RETURN_IF_ERROR(json.status());
  // 1e30 and the like stand for no limit.
  const auto length = json->find("model_max_length");
  if (length == json->end() || !length->is_number_integer()) return config.max_position_embeddings;
  const auto limit = length->get<std::int64_t>();
  if (limit < 1) return config.max_position_embeddings;
  return static_cast<std::int32_t>(std::min<std::int64_t>(limit, config.max_position_embeddings));
}

// Special tokens of a pair, each with what the model has for it. Errors name the directory.
StatusOr<std::int32_t> NumSpecialTokens(const std::string& directory,
                                        const LoadedCrossEncoder& model) {
  const std::vector<TokenId> one = {0};
  const auto pair = model.tokenizer->JoinPair(one, one);
  if (!pair.ok()) return Annotate(pair.status(), directory);
  const std::int32_t num_types = std::max(model.config.type_vocab_size, 1);
  for (std::size_t i = 0; i < pair->ids.size(); ++i) {
    if (pair->ids[i] >= model.config.vocab_size || pair->type_ids[i] >= num_types) {
      return InvalidArgument(
          "{}: tokenizer: wanted ids below vocab_size {} and types below type_vocab_size {} around "
          "pairs, have {} and {}",
          directory, model.config.vocab_size, num_types, pair->ids[i], pair->type_ids[i]);
    }
  }
  const auto count = static_cast<std::int32_t>(pair->ids.size()) - 2;
  if (model.max_tokens < count + 2) {
    return InvalidArgument("{}: wanted room for two texts, have {} positions", directory,
                           model.max_tokens);
  }
  return count;
}

StatusOr<LoadedCrossEncoder> LoadCrossEncoder(const RerankerOptions& options,
                                              kernels::Device& device) {
  const std::string& path = options.model_path;
  LoadedCrossEncoder model;
  QUIRE_ASSIGN_OR_RETURN(model.config, LoadModelConfig(path));
  if (model.config.task != ModelTask::kRerank) {
    return InvalidArgument("{}: wanted a reranking model, have {}, which {}", path,
                           model.config.architecture, Purpose(model.config.task));
  }
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("max_batch_tokens", options.max_batch_tokens, 1, kMaxBatchTokens));
  QUIRE_ASSIGN_OR_RETURN(model.tokenizer, Tokenizer::Load(path));
  QUIRE_ASSIGN_OR_RETURN(model.max_tokens, MaxTokens(path, model.config));
  QUIRE_ASSIGN_OR_RETURN(model.num_special_tokens, NumSpecialTokens(path, model));
  // A pass holds at least one pair of full length.
  model.max_batch_tokens = std::max(options.max_batch_tokens, model.max_tokens);
  QUIRE_ASSIGN_OR_RETURN(const auto weights,
                         OpenModelWeights(path, model.config.quantization, /*on_load=*/{}));
  QUIRE_ASSIGN_OR_RETURN(model.encoder,
                         CrossEncoder::Load(model.config, *weights, model.max_batch_tokens,
                                            model.max_batch_tokens, device));
  return model;
}

}  // namespace

StatusOr<std::unique_ptr<Reranker>> Reranker::Create(const RerankerOptions& options,
                                                     kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(LoadedCrossEncoder model, LoadCrossEncoder(options, device));
  return std::make_unique<CrossEncoderReranker>(std::move(model), options.turns);
}

}  // namespace quire::engine
