#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/embedder.h"
#include "engine/engine.h"
#include "engine/reranker.h"
#include "services/inference/call.h"
#include "services/inference/model_registry.h"

// An engine whose answers the test writes down, and the smallest tokenizer, template and embedder
// around it.

namespace quire::services::testing {

// A token per byte; 256 is "<s>", which opens texts, 257 is "</s>".
class ByteTokenizer final : public engine::Tokenizer {
 public:
  static constexpr engine::TokenId kBos = 256;
  static constexpr engine::TokenId kEos = 257;

  std::vector<engine::TokenId> Encode(std::string_view text,
                                      const engine::EncodeOptions& options) const override {
    std::vector<engine::TokenId> ids;
    for (const auto& span : EncodeWithSpans(text, options)) ids.push_back(span.id);
    return ids;
  }
  std::vector<engine::TokenSpan> EncodeWithSpans(
      std::string_view text, const engine::EncodeOptions& options) const override {
    std::vector<engine::TokenSpan> spans;
    if (options.add_special_tokens) spans.push_back({kBos, 0, 0});
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      if (options.parse_special_tokens && text.substr(i).starts_with("<s>")) {
        spans.push_back({kBos, at, at + 3});
        i += 2;
      } else {
        spans.push_back({static_cast<unsigned char>(text[i]), at, at + 1});
      }
    }
    return spans;
  }
  std::vector<engine::TokenId> EncodeSegments(
      std::span<const engine::TextSegment> segments) const override {
    std::vector<engine::TokenId> ids;
    for (const auto& segment : segments) {
      const bool is_template = segment.kind == engine::TextSegment::Kind::kTemplate;
      const auto part =
          Encode(segment.text, {.add_special_tokens = false, .parse_special_tokens = is_template});
      ids.insert(ids.end(), part.begin(), part.end());
    }
    return ids;
  }
  StatusOr<std::string> Decode(std::span<const engine::TokenId> ids,
                               bool skip_special_tokens) const override {
    std::string text;
    for (const engine::TokenId id : ids) {
      if (!IsSpecial(id) || !skip_special_tokens) text += TokenText(id);
    }
    return text;
  }
  std::string TokenBytes(engine::TokenId id) const override {
    return IsSpecial(id) ? "" : TokenText(id);
  }
  bool strips_leading_space() const override { return false; }
  std::int64_t vocab_size() const override { return 258; }
  bool IsSpecial(engine::TokenId id) const override { return id >= kBos; }
  std::optional<engine::TokenId> FindToken(std::string_view token) const override {
    if (token == "<s>") return kBos;
    if (token == "</s>") return kEos;
    return std::nullopt;
  }
  std::string TokenText(engine::TokenId id) const override {
    if (id == kBos) return "<s>";
    if (id == kEos) return "</s>";
    return std::string(1, static_cast<char>(id));
  }
  std::optional<engine::TokenId> bos_token_id() const override { return kBos; }
  std::optional<engine::TokenId> eos_token_id() const override { return kEos; }
};

// An event with new text and ids.
inline engine::OutputEvent TextEvent(std::string text, std::vector<engine::TokenId> ids) {
  engine::OutputEvent event;
  event.text = std::move(text);
  event.ids = std::move(ids);
  return event;
}

// What the test writes down, and what the handlers did with it.
struct EngineScript {
  Status submit_status;                    // of Submit
  std::deque<engine::OutputEvent> events;  // what Next gives, one by one, then nothing
  Status end_status;                       // of Next after the events; OK: no event, for ever
  std::vector<engine::Request> requests;   // what was submitted
  engine::EngineLoad load{
      .num_running = 1, .num_waiting = 2, .num_free_blocks = 3, .num_blocks = 4};
  std::vector<std::pair<std::string, std::string>> cancelled_groups;  // client, group
  int num_live_streams = 0;
};

class ScriptedStream final : public engine::OutputStream {
 public:
  explicit ScriptedStream(EngineScript& script) : script_(script) { ++script_.num_live_streams; }
  ~ScriptedStream() override { --script_.num_live_streams; }

  StatusOr<std::optional<engine::OutputEvent>> Next(std::chrono::milliseconds) override {
    if (!script_.events.empty()) {
      engine::OutputEvent event = std::move(script_.events.front());
      script_.events.pop_front();
      return std::optional<engine::OutputEvent>(std::move(event));
    }
    QUIRE_RETURN_IF_ERROR(script_.end_status);
    return std::optional<engine::OutputEvent>();
  }
  void Cancel() override {}

 private:
  EngineScript& script_;
};

// Renders "<s>role:content;" for each message; refuses a system message.
class PlainTemplate final : public engine::ChatTemplate {
 public:
  StatusOr<std::vector<engine::TextSegment>> Render(const nlohmann::ordered_json& input,
                                                    const Options& options) const override;
};

class ScriptedEngine final : public engine::Engine {
 public:
  ScriptedEngine(EngineScript& script, bool has_template) : script_(script) {
    if (has_template) template_ = std::make_unique<PlainTemplate>();
    config_.architecture = "ScriptedForCausalLM";
    config_.vocab_size = 258;
    sampling_.temperature = 0.5f;
    sampling_.top_k = 40;
  }

  StatusOr<std::unique_ptr<engine::OutputStream>> Submit(engine::Request request) override {
    QUIRE_RETURN_IF_ERROR(script_.submit_status);
    script_.requests.push_back(std::move(request));
    return std::make_unique<ScriptedStream>(script_);
  }
  void CancelGroup(const std::string& client, const std::string& group) override {
    script_.cancelled_groups.emplace_back(client, group);
  }
  const engine::ModelConfig& config() const override { return config_; }
  const engine::EngineLimits& limits() const override { return limits_; }
  const engine::Tokenizer& tokenizer() const override { return tokenizer_; }
  const engine::ChatTemplate* chat_template() const override { return template_.get(); }
  const engine::SamplingParams& default_sampling() const override { return sampling_; }
  engine::EngineLoad load() const override { return script_.load; }

 private:
  EngineScript& script_;
  ByteTokenizer tokenizer_;
  std::unique_ptr<engine::ChatTemplate> template_;
  engine::ModelConfig config_;
  const engine::EngineLimits limits_{.context_tokens = 100, .weight_bytes = 7, .kv_cache_bytes = 8};
  engine::SamplingParams sampling_;
};

// Embeds a text as {its bytes, 1}; takes 10 tokens.
class CountingEmbedder final : public engine::Embedder {
 public:
  StatusOr<engine::EmbeddingBatch> Embed(std::span<const std::string> texts,
                                         bool truncate) override {
    engine::EmbeddingBatch batch;
    batch.dimension = dimension();
    for (const std::string& text : texts) {
      const auto tokens = static_cast<std::int32_t>(text.size()) + 1;
      if (tokens > max_tokens() && !truncate) return InvalidArgument("text: too long");
      batch.values.insert(batch.values.end(), {static_cast<float>(text.size()), 1.0f});
      batch.num_tokens.push_back(std::min(tokens, max_tokens()));
      batch.truncated.push_back(tokens > max_tokens());
    }
    ++num_batches_;
    return batch;
  }
  const engine::Tokenizer& tokenizer() const override { return tokenizer_; }
  std::int32_t dimension() const override { return 2; }
  std::int32_t max_tokens() const override { return 10; }
  engine::ModelMemory memory() const override { return {.weight_bytes = 9, .workspace_bytes = 10}; }
  const std::string& fingerprint() const override { return fingerprint_; }
  const std::string& architecture() const override { return architecture_; }

  int num_batches() const { return num_batches_; }

 private:
  ByteTokenizer tokenizer_;
  const std::string fingerprint_ = "f1";
  const std::string architecture_ = "BertModel";
  int num_batches_ = 0;
};

// Scores a document by its bytes, pairs of 10 tokens with 3 special ones.
class CountingReranker final : public engine::Reranker {
 public:
  StatusOr<engine::RerankBatch> Rerank(const std::string& query,
                                       std::span<const std::string> documents) override {
    engine::RerankBatch batch;
    for (const std::string& document : documents) {
      const auto tokens = static_cast<std::int32_t>(query.size() + document.size()) + 3;
      batch.scores.push_back(static_cast<float>(document.size()));
      batch.logits.push_back(static_cast<float>(document.size()));
      batch.num_tokens.push_back(std::min(tokens, max_tokens()));
      batch.truncated.push_back(tokens > max_tokens());
    }
    ++num_batches_;
    return batch;
  }
  const engine::Tokenizer& tokenizer() const override { return tokenizer_; }
  std::int32_t num_labels() const override { return 1; }
  std::int32_t max_tokens() const override { return 10; }
  std::int32_t max_query_tokens() const override { return 6; }
  engine::ModelMemory memory() const override {
    return {.weight_bytes = 11, .workspace_bytes = 12};
  }
  const std::string& architecture() const override { return architecture_; }

  int num_batches() const { return num_batches_; }

 private:
  ByteTokenizer tokenizer_;
  const std::string architecture_ = "BertForSequenceClassification";
  int num_batches_ = 0;
};

// A server's models: "writer" answers from `script`, "vectors" embeds, "judge" reranks.
inline ModelRegistry MakeRegistry(EngineScript& script, bool has_template = true) {
  return ModelRegistry(
      "cpu/test",
      {.language =
           ServedLanguageModel{"writer", std::make_unique<ScriptedEngine>(script, has_template),
                               /*kv_block_size=*/16},
       .embedding = ServedEmbeddingModel{"vectors", std::make_unique<CountingEmbedder>()},
       .reranking = ServedRerankingModel{"judge", std::make_unique<CountingReranker>()}});
}
inline ModelRegistry MakeLanguageRegistry(EngineScript& script) {
  return ModelRegistry(
      "cpu/test",
      {.language = ServedLanguageModel{"writer", std::make_unique<ScriptedEngine>(script, true),
                                       /*kv_block_size=*/16},
       .embedding = std::nullopt,
       .reranking = std::nullopt});
}
inline ModelRegistry MakeEmbeddingRegistry() {
  return ModelRegistry(
      "cpu/test",
      {.language = std::nullopt,
       .embedding = ServedEmbeddingModel{"vectors", std::make_unique<CountingEmbedder>()},
       .reranking = std::nullopt});
}

// A call of a client that stays, with seed 77.
inline InferenceCall MakeCall() {
  return {.request_id = "r1",
          .peer = "ipv4:10.0.0.7",
          .is_cancelled = [] { return false; },
          .deadline = std::nullopt,
          .random_seed = [] { return std::uint64_t{77}; },
          .now_seconds = 0};
}

}  // namespace quire::services::testing
