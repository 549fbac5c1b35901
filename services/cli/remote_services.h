#pragma once

#include <memory>
#include <string>

#include "services/cli/global_options.h"
#include "services/cli/service_channels.h"

namespace quire::services::cli {

// All services at one address: a running `quire serve`. Connects at the first call.
class RemoteServices final : public ServiceChannels {
 public:
  RemoteServices(const std::string& address, const ModelOptions& models);

  StatusOr<std::shared_ptr<grpc::Channel>> LanguageModel() override { return channel_; }
  StatusOr<std::shared_ptr<grpc::Channel>> EmbeddingModel() override { return channel_; }
  StatusOr<std::shared_ptr<grpc::Channel>> RerankModel() override { return channel_; }
  StatusOr<std::shared_ptr<grpc::Channel>> Documents(bool) override { return channel_; }
  StatusOr<std::shared_ptr<grpc::Channel>> Answers(std::shared_ptr<grpc::Channel>) override {
    return channel_;
  }
  std::string language_model_name() const override { return language_model_name_; }
  std::string embedding_model_name() const override { return embedding_model_name_; }
  std::string rerank_model_name() const override { return rerank_model_name_; }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::string language_model_name_;
  const std::string embedding_model_name_;
  const std::string rerank_model_name_;
};

}  // namespace quire::services::cli
