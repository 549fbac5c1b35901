#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "tests/support/hash_embedding.h"

namespace quire::testing {

// The part of InferenceService that retrieval needs, over HashVector and a token for each word.
// Members may be set while it serves.
class FakeInferenceService final : public inference::v1::InferenceService::Service {
 public:
  static constexpr const char* kModel = "models/hash";
  static constexpr const char* kRerankModel = "models/longest";
  static constexpr std::int32_t kContextTokens = 512;
  static constexpr std::int32_t kSpecialTokens = 2;

  std::atomic<bool> unavailable = false;
  std::atomic<bool> gives_nan = false;
  std::atomic<bool> gives_zero = false;
  std::atomic<bool> knows_no_token = false;  // counts 0 when it embeds
  std::atomic<std::int32_t> fingerprint = 1;
  std::atomic<std::int32_t> dimension = 32;
  std::atomic<std::int32_t> delay_ms = 0;       // of each Embed, cut short by cancellation
  std::atomic<std::int64_t> num_embedded = 0;   // texts so far
  std::atomic<std::int64_t> num_reranked = 0;   // texts so far
  std::atomic<std::int64_t> num_refused = 0;    // calls while unavailable
  std::atomic<std::int64_t> num_cancelled = 0;  // Embed calls whose client went away

  grpc::Status GetModel(grpc::ServerContext*, const inference::v1::GetModelRequest* request,
                        inference::v1::GetModelResponse* response) override {
    if (unavailable) return Away();
    if (request->name() != kModel && request->name() != "models/default-embedding") {
      return {grpc::StatusCode::NOT_FOUND, "model " + request->name() + ": not served"};
    }
    auto& model = *response->mutable_model();
    model.set_name(kModel);
    model.set_context_tokens(kContextTokens);
    model.set_embedding_dimension(dimension);
    model.set_can_embed(true);
    model.set_fingerprint(Fingerprint());
    return grpc::Status::OK;
  }

  grpc::Status CountTokens(grpc::ServerContext*, const inference::v1::CountTokensRequest* request,
                           inference::v1::CountTokensResponse* response) override {
    if (unavailable) return Away();
    const std::int32_t special = request->include_special_tokens() ? kSpecialTokens : 0;
    for (const std::string& text : request->texts()) {
      response->add_num_tokens(CountWords(text) + special);
    }
    return grpc::Status::OK;
  }

  grpc::Status Embed(grpc::ServerContext* context, const inference::v1::EmbedRequest* request,
                     inference::v1::EmbedResponse* response) override {
    if (unavailable) return Away();
    if (!Delay(*context)) return {grpc::StatusCode::CANCELLED, "the client is gone"};
    response->set_model(kModel);
    response->set_fingerprint(Fingerprint());
    for (const std::string& text : request->texts()) {
      auto& embedding = *response->add_embeddings();
      for (const float value : HashVector(text, dimension)) {
        embedding.add_values(gives_nan    ? std::numeric_limits<float>::quiet_NaN()
                             : gives_zero ? 0.0f
                                          : value);
      }
      embedding.set_num_tokens(knows_no_token ? 0 : CountWords(text) + kSpecialTokens);
    }
    num_embedded += request->texts_size();
    return grpc::Status::OK;
  }

  // Longer is better.
  grpc::Status Rerank(grpc::ServerContext*, const inference::v1::RerankRequest* request,
                      inference::v1::RerankResponse* response) override {
    if (unavailable) return Away();
    if (!request->model().empty() && request->model() != kRerankModel) {
      return {grpc::StatusCode::NOT_FOUND, "model " + request->model() + ": not served"};
    }
    // In no order that a client could take for the request's.
    for (int i = request->documents_size() - 1; i >= 0; --i) {
      auto& document = *response->add_documents();
      document.set_index(i);
      document.set_score(static_cast<float>(request->documents(i).size()));
    }
    num_reranked += request->documents_size();
    return grpc::Status::OK;
  }

 private:
  grpc::Status Away() {
    ++num_refused;
    return {grpc::StatusCode::UNAVAILABLE, "the fake is away"};
  }
  std::string Fingerprint() const { return "hash-" + std::to_string(fingerprint); }

  bool Delay(const grpc::ServerContext& context) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(delay_ms);
    while (std::chrono::steady_clock::now() < end) {
      if (context.IsCancelled()) {
        ++num_cancelled;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
};

// Serves one service on a free port of the loopback until the end of the scope.
class LoopbackServer {
 public:
  explicit LoopbackServer(grpc::Service& service, const std::string& address = "127.0.0.1:0") {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    builder.SetMaxReceiveMessageSize(16 << 20);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1'000);
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
  }
  ~LoopbackServer() { server_->Shutdown(std::chrono::system_clock::now()); }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace quire::testing
