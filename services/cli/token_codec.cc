#include "services/cli/token_codec.h"

#include "engine/tokenizer/tokenizer.h"
#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/model_path.h"
#include "services/server/channel.h"

namespace quire::services::cli {
namespace {

using inference::v1::InferenceService;

class LocalTokenCodec final : public TokenCodec {
 public:
  explicit LocalTokenCodec(std::unique_ptr<engine::Tokenizer> tokenizer)
      : tokenizer_(std::move(tokenizer)) {}

  StatusOr<std::vector<std::int32_t>> Encode(const std::string& text,
                                             bool special_tokens) override {
    return tokenizer_->Encode(text, {.add_special_tokens = special_tokens});
  }

  StatusOr<std::string> Decode(std::span<const std::int32_t> ids, bool special_tokens) override {
    return tokenizer_->Decode(ids, /*skip_special_tokens=*/!special_tokens);
  }

 private:
  const std::unique_ptr<engine::Tokenizer> tokenizer_;
};

class RemoteTokenCodec final : public TokenCodec {
 public:
  RemoteTokenCodec(Session& session, const std::shared_ptr<grpc::Channel>& channel,
                   std::string model)
      : session_(session), stub_(InferenceService::NewStub(channel)), model_(std::move(model)) {}

  StatusOr<std::vector<std::int32_t>> Encode(const std::string& text,
                                             bool special_tokens) override {
    inference::v1::TokenizeRequest request;
    request.set_model(model_);
    request.set_text(text);
    request.set_omit_special_tokens(!special_tokens);
    QUIRE_ASSIGN_OR_RETURN(const auto response,
                           CallUnary(session_, *stub_, &InferenceService::Stub::Tokenize, request));
    std::vector<std::int32_t> ids;
    ids.reserve(static_cast<std::size_t>(response.tokens_size()));
    for (const auto& token : response.tokens()) ids.push_back(token.id());
    return ids;
  }

  StatusOr<std::string> Decode(std::span<const std::int32_t> ids, bool special_tokens) override {
    inference::v1::DetokenizeRequest request;
    request.set_model(model_);
    request.mutable_ids()->Assign(ids.begin(), ids.end());
    request.set_keep_special_tokens(special_tokens);
    QUIRE_ASSIGN_OR_RETURN(
        const auto response,
        CallUnary(session_, *stub_, &InferenceService::Stub::Detokenize, request));
    return response.text();
  }

 private:
  Session& session_;
  const std::unique_ptr<InferenceService::Stub> stub_;
  const std::string model_;
};

}  // namespace

StatusOr<std::unique_ptr<TokenCodec>> TokenCodec::Create(Session& session,
                                                         const ModelOptions& models) {
  if (session.is_remote()) {
    return std::make_unique<RemoteTokenCodec>(session, MakeChannel(session.options().server),
                                              models.model);
  }
  QUIRE_ASSIGN_OR_RETURN(const std::string path,
                         ResolveModel(models.model, ModelKind::kLanguage, session.options()));
  auto tokenizer = engine::Tokenizer::Load(path);
  if (!tokenizer.ok()) return ModelFileError(tokenizer.status());
  return std::make_unique<LocalTokenCodec>(*std::move(tokenizer));
}

}  // namespace quire::services::cli
