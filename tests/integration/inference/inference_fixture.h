#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/inference/inference_server.h"
#include "services/server/channel.h"
#include "services/server/grpc_status.h"
#include "services/server/server.h"
#include "tests/support/test_files.h"

// The inference service in this process, called over loopback.

namespace quire::services::testing {

// A server with loaded models and a client of it. Kills nothing and waits for nothing at the end:
// running calls are cancelled.
class RunningInference {
 public:
  explicit RunningInference(const InferenceOptions& options, bool load = true)
      : RunningInference(InferenceServer::Create(options), load) {}
  RunningInference(const InferenceOptions& options, std::unique_ptr<kernels::Device> device)
      : RunningInference(InferenceServer::Create(options, std::move(device)), true) {}
  RunningInference(StatusOr<std::unique_ptr<InferenceServer>> inference, bool load) {
    EXPECT_TRUE(inference.ok()) << inference.status();
    inference_ = *std::move(inference);
    auto server = Server::Start({.drain_timeout = std::chrono::seconds(0)}, inference_->services());
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    if (load) {
      const Status loaded = inference_->Load();
      EXPECT_TRUE(loaded.ok()) << loaded;
      server_->SetServing(true);
    }
    channel_ = MakeChannel(address());
    stub_ = inference::v1::InferenceService::NewStub(channel_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  inference::v1::InferenceService::Stub& stub() { return *stub_; }
  InferenceServer& inference() { return *inference_; }
  Server& server() { return *server_; }

  // A unary call: Call(&Stub::Generate, request, response).
  template <typename Request, typename Response>
  Status Call(grpc::Status (inference::v1::InferenceService::Stub::*method)(grpc::ClientContext*,
                                                                            const Request&,
                                                                            Response*),
              const Request& request, Response& response) {
    grpc::ClientContext context;
    return FromGrpcStatus((*stub_.*method)(&context, request, &response));
  }

  inference::v1::GetServerInfoResponse Info() {
    inference::v1::GetServerInfoResponse response;
    const Status status = Call(&inference::v1::InferenceService::Stub::GetServerInfo,
                               inference::v1::GetServerInfoRequest(), response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }

  // Waits until the load fulfils `condition`. Returns false after ten seconds.
  bool AwaitInfo(
      const std::function<bool(const inference::v1::GetServerInfoResponse&)>& condition) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < give_up) {
      if (condition(Info())) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  // Waits until nothing runs or waits and every KV block is free.
  bool AwaitIdle() {
    return AwaitInfo([](const inference::v1::GetServerInfoResponse& server) {
      return server.num_running_requests() == 0 && server.num_waiting_requests() == 0 &&
             server.num_free_kv_blocks() == server.num_kv_blocks();
    });
  }

 private:
  std::unique_ptr<InferenceServer> inference_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<inference::v1::InferenceService::Stub> stub_;
};

}  // namespace quire::services::testing
