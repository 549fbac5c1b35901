#include "engine/embedder.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "engine/encoder_passes.h"
#include "engine/formats/gguf_file.h"
#include "engine/formats/model_weights.h"
#include "engine/formats/static_table.h"
#include "engine/model/encoder.h"
#include "engine/model/model_config.h"
#include "engine/model/sentence_transformers.h"
#include "engine/model/static_config.h"
#include "engine/model/static_embedding.h"
#include "engine/model_fingerprint.h"
#include "engine/option_validation.h"

namespace quire::engine {
namespace {

// Token ids of one text, ready for the encoder.
struct EncodedText {
  std::vector<TokenId> ids;
  bool truncated = false;
};

// Added special tokens at the end, which a cut must keep: [SEP].
std::size_t NumTrailingSpecials(std::span<const TokenSpan> spans, const Tokenizer& tokenizer) {
  std::size_t count = 0;
  while (count < spans.size()) {
    const TokenSpan& span = spans[spans.size() - 1 - count];
    if (span.begin != span.end || !tokenizer.IsSpecial(span.id)) break;
    ++count;
  }
  return count;
}

// How texts become the tokens that a model wants.
struct TextEncoding {
  bool add_special_tokens = true;
  std::optional<TokenId> dropped_token;  // left out: the unknown token of model2vec
  bool empty_is_zero = false;            // a text without tokens is no error
};

EncodedText EncodeText(const std::string& text, std::size_t max_tokens,
                       const TextEncoding& encoding, const Tokenizer& tokenizer) {
  std::vector<TokenSpan> spans =
      tokenizer.EncodeWithSpans(text, {.add_special_tokens = encoding.add_special_tokens});
  if (encoding.dropped_token) {
    std::erase_if(spans, [&](const TokenSpan& span) { return span.id == *encoding.dropped_token; });
  }
  EncodedText encoded;
  for (const TokenSpan& span : spans) encoded.ids.push_back(span.id);
  if (spans.size() <= max_tokens) return encoded;
  encoded.truncated = true;
  const std::size_t tail = std::min(NumTrailingSpecials(spans, tokenizer), max_tokens);
  const auto ids_end = encoded.ids.end();
  std::copy(ids_end - static_cast<std::ptrdiff_t>(tail), ids_end,
            encoded.ids.begin() + static_cast<std::ptrdiff_t>(max_tokens - tail));
  encoded.ids.resize(max_tokens);
  return encoded;
}

// What makes an embedder, before it runs.
struct LoadedEncoder {
  ModelConfig config;
  SentenceTransformersConfig settings;
  std::unique_ptr<Tokenizer> tokenizer;
  TextEncoding text_encoding;
  std::unique_ptr<EmbeddingModel> encoder;
  std::string fingerprint;
  std::int32_t max_tokens = 0;
  std::int32_t max_batch_tokens = 0;
};

class EncoderEmbedder final : public Embedder {
 public:
  EncoderEmbedder(LoadedEncoder model, std::shared_ptr<ComputeTurns> turns)
      : model_(std::move(model)), passes_(model_.max_batch_tokens, std::move(turns)) {}

  StatusOr<EmbeddingBatch> Embed(std::span<const std::string> texts, bool truncate) override;

  const Tokenizer& tokenizer() const override { return *model_.tokenizer; }
  std::int32_t dimension() const override { return model_.config.hidden_size; }
  std::int32_t max_tokens() const override { return model_.max_tokens; }
  ModelMemory memory() const override {
    return {.weight_bytes = model_.encoder->weight_bytes(),
            .workspace_bytes = model_.encoder->workspace_bytes()};
  }
  const std::string& fingerprint() const override { return model_.fingerprint; }
  const std::string& architecture() const override { return model_.config.architecture; }

 private:
  StatusOr<std::vector<EncodedText>> EncodeTexts(std::span<const std::string> texts,
                                                 bool truncate) const;
  // Embeds the texts that `order` names, one forward pass, into their rows of `batch`.
  Status EmbedPass(std::span<const std::size_t> order, const std::function<void()>& before_layer,
                   std::span<const EncodedText> texts, EmbeddingBatch& batch);

  const LoadedEncoder model_;
  EncoderPasses passes_;  // guards the encoder
};

StatusOr<std::vector<EncodedText>> EncoderEmbedder::EncodeTexts(std::span<const std::string> texts,
                                                                bool truncate) const {
  std::vector<EncodedText> encoded;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // The whole length is computed even if it is cut, so that the message can tell it.
    const auto max_tokens = truncate ? static_cast<std::size_t>(model_.max_tokens) : SIZE_MAX;
    encoded.push_back(EncodeText(texts[i], max_tokens, model_.text_encoding, *model_.tokenizer));
    const std::vector<TokenId>& ids = encoded.back().ids;
    if (ids.size() > static_cast<std::size_t>(model_.max_tokens)) {
      return InvalidArgument("texts[{}]: wanted at most {} tokens, have {}", i, model_.max_tokens,
                             ids.size());
    }
    if (ids.empty() && !model_.text_encoding.empty_is_zero) {
      return InvalidArgument("texts[{}]: wanted at least one token, have 0", i);
    }
    QUIRE_RETURN_IF_ERROR(
        CheckTokenIds(fmt::format("texts[{}]", i), ids, model_.config.vocab_size));
  }
  return encoded;
}

Status EncoderEmbedder::EmbedPass(std::span<const std::size_t> order,
                                  const std::function<void()>& before_layer,
                                  std::span<const EncodedText> texts, EmbeddingBatch& batch) {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> cu_seqlens = {0};
  for (const std::size_t index : order) {
    ids.insert(ids.end(), texts[index].ids.begin(), texts[index].ids.end());
    cu_seqlens.push_back(static_cast<std::int32_t>(ids.size()));
  }
  QUIRE_ASSIGN_OR_RETURN(
      const std::span<const float> pooled,
      model_.encoder->Encode(ids, cu_seqlens, model_.settings.pooling, before_layer));
  const auto dimension = static_cast<std::size_t>(batch.dimension);
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::copy_n(pooled.begin() + static_cast<std::ptrdiff_t>(i * dimension), dimension,
                batch.values.begin() + static_cast<std::ptrdiff_t>(order[i] * dimension));
  }
  return OkStatus();
}

StatusOr<EmbeddingBatch> EncoderEmbedder::Embed(std::span<const std::string> texts, bool truncate) {
  QUIRE_ASSIGN_OR_RETURN(const std::vector<EncodedText> encoded, EncodeTexts(texts, truncate));
  EmbeddingBatch batch;
  batch.dimension = dimension();
  batch.values.resize(texts.size() * static_cast<std::size_t>(batch.dimension));
  std::vector<std::size_t> num_tokens;
  for (const EncodedText& text : encoded) {
    num_tokens.push_back(text.ids.size());
    batch.num_tokens.push_back(static_cast<std::int32_t>(text.ids.size()));
    batch.truncated.push_back(text.truncated);
  }
  QUIRE_RETURN_IF_ERROR(passes_.Run(num_tokens, [&](auto order, const auto& before_layer) {
    return EmbedPass(order, before_layer, encoded, batch);
  }));
  return batch;
}

// Everything that decides a vector and is in no hashed file.
std::string SettingsText(const LoadedEncoder& model) {
  return fmt::format("pooling={} normalize={} max_tokens={}",
                     static_cast<int>(model.settings.pooling.kind),
                     model.settings.pooling.normalize, model.max_tokens);
}

// How a static embedding model reads texts: as the library that wrote it. max_tokens is cut down to
// what the tokenizer's file says.
StatusOr<TextEncoding> StaticTextEncoding(const LoadedEncoder& model, std::int32_t& max_tokens) {
  QUIRE_ASSIGN_OR_RETURN(const StaticTokenization tokenization,
                         LoadStaticTokenization(model.settings.model_directory));
  if (tokenization.max_tokens > 0) max_tokens = std::min(max_tokens, tokenization.max_tokens);
  TextEncoding encoding = {.add_special_tokens = false, .dropped_token = {}, .empty_is_zero = true};
  if (model.config.architecture == kModel2Vec) {
    encoding.dropped_token = model.tokenizer->FindToken(tokenization.unknown_token);
  }
  return encoding;
}

// `checkpoint`: null where the model is a GGUF file.
StatusOr<std::unique_ptr<EmbeddingModel>> LoadEmbeddingModel(
    const LoadedEncoder& model, std::shared_ptr<const Checkpoint> checkpoint,
    kernels::Device& device) {
  const std::int32_t batch = model.max_batch_tokens;
  if (checkpoint == nullptr) {
    QUIRE_ASSIGN_OR_RETURN(const auto weights, OpenModelWeights(model.settings.model_directory,
                                                                /*stored=*/{}, /*on_load=*/{}));
    return Encoder::Load(model.config, *weights, batch, batch, device);
  }
  if (model.config.is_static()) {
    QUIRE_ASSIGN_OR_RETURN(const auto table, StaticTable::Open(std::move(checkpoint)));
    return StaticEmbedding::Load(model.config, *table, batch, batch, device);
  }
  const auto weights =
      ModelWeights(std::move(checkpoint), model.config.quantization, /*on_load=*/{});
  return Encoder::Load(model.config, *weights, batch, batch, device);
}

// The configuration and the tokenizer; the layout of static embedding models has no config.json.
std::vector<std::string> HashedFiles(const std::string& path, const LoadedEncoder& model) {
  if (IsGgufPath(path)) return {path};
  std::vector<std::string> files = {path + "/config.json",
                                    model.settings.model_directory + "/tokenizer.json"};
  if (model.config.is_static() && !std::filesystem::exists(files.front()))
    files.erase(files.begin());
  return files;
}

StatusOr<LoadedEncoder> LoadEncoder(const EmbedderOptions& options, kernels::Device& device) {
  const std::string& path = options.model_path;
  LoadedEncoder model;
  QUIRE_ASSIGN_OR_RETURN(model.config, LoadModelConfig(path));
  if (!model.config.is_encoder()) {
    return InvalidArgument("{}: wanted an embedding model, have {}, which {}", path,
                           model.config.architecture, Purpose(model.config.task));
  }
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("max_batch_tokens", options.max_batch_tokens, 1, kMaxBatchTokens));
  QUIRE_ASSIGN_OR_RETURN(model.settings, LoadSentenceTransformersConfig(path));
  QUIRE_ASSIGN_OR_RETURN(model.tokenizer, Tokenizer::Load(model.settings.model_directory));
  model.max_tokens = model.config.max_position_embeddings;
  if (model.config.is_static()) {
    QUIRE_ASSIGN_OR_RETURN(model.text_encoding, StaticTextEncoding(model, model.max_tokens));
  }
  if (model.settings.max_tokens > 0) {
    model.max_tokens = std::min(model.max_tokens, model.settings.max_tokens);
  }
  // A batch holds at least one text of full length.
  model.max_batch_tokens = std::max(options.max_batch_tokens, model.max_tokens);
  std::shared_ptr<const Checkpoint> checkpoint;
  if (!IsGgufPath(path)) {
    QUIRE_ASSIGN_OR_RETURN(checkpoint, Checkpoint::Open(model.settings.model_directory));
  }
  QUIRE_ASSIGN_OR_RETURN(model.encoder, LoadEmbeddingModel(model, checkpoint, device));
  QUIRE_ASSIGN_OR_RETURN(
      model.fingerprint,
      ModelFingerprint(HashedFiles(path, model), checkpoint.get(), SettingsText(model)));
  return model;
}

}  // namespace

StatusOr<std::unique_ptr<Embedder>> Embedder::Create(const EmbedderOptions& options,
                                                     kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(LoadedEncoder model, LoadEncoder(options, device));
  return std::make_unique<EncoderEmbedder>(std::move(model), options.turns);
}

}  // namespace quire::engine
