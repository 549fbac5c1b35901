#include "services/server/channel.h"

#include <gtest/gtest.h>

#include <atomic>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/server/server.h"

namespace quire::services {
namespace {

using inference::v1::InferenceService;

// Fails the first `num_failures` calls with UNAVAILABLE and notes what the calls carry.
class FlakyService final : public InferenceService::Service {
 public:
  grpc::Status GetServerInfo(grpc::ServerContext* context,
                             const inference::v1::GetServerInfoRequest*,
                             inference::v1::GetServerInfoResponse* response) override {
    ++num_calls_;
    if (num_failures_-- > 0) return {grpc::StatusCode::UNAVAILABLE, "not now"};
    response->set_version(RequestId(*context));
    response->set_device(TraceParent(*context));
    return grpc::Status::OK;
  }
  // Calls GetServerInfo of the same server on behalf of the caller.
  grpc::Status ListModels(grpc::ServerContext* context, const inference::v1::ListModelsRequest*,
                          inference::v1::ListModelsResponse* response) override {
    const auto child = MakeChildContext(*context);
    inference::v1::GetServerInfoResponse seen;
    const auto status = InferenceService::NewStub(channel_)->GetServerInfo(child.get(), {}, &seen);
    response->set_next_page_token(seen.version() + " " + seen.device());
    return status;
  }

  std::atomic<int> num_calls_ = 0;
  std::atomic<int> num_failures_ = 0;
  std::shared_ptr<grpc::Channel> channel_;

 private:
  static std::string TraceParent(const grpc::ServerContext& context) {
    const auto entry = context.client_metadata().find("traceparent");
    if (entry == context.client_metadata().end()) return "";
    return {entry->second.data(), entry->second.size()};
  }
};

class ChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = Server::Start({}, {&service_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    service_.channel_ = MakeChannel("localhost:" + std::to_string(server_->port()));
    stub_ = InferenceService::NewStub(service_.channel_);
  }

  grpc::Status GetServerInfo(const std::string& request_id,
                             inference::v1::GetServerInfoResponse& response) {
    grpc::ClientContext context;
    if (!request_id.empty()) context.AddMetadata("x-request-id", request_id);
    return stub_->GetServerInfo(&context, {}, &response);
  }

  FlakyService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<InferenceService::Stub> stub_;
};

TEST_F(ChannelTest, UnavailableCallsAreTriedAgain) {
  service_.num_failures_ = 2;
  inference::v1::GetServerInfoResponse response;
  EXPECT_TRUE(GetServerInfo("", response).ok());
  EXPECT_EQ(service_.num_calls_, 3);
}

TEST_F(ChannelTest, AbsentServerIsUnavailableNamingTheAddress) {
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  server_->Shutdown();
  inference::v1::GetServerInfoResponse response;
  grpc::ClientContext context;
  const grpc::Status status =
      InferenceService::NewStub(MakeChannel(address))->GetServerInfo(&context, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_NE(status.error_message().find(address), std::string::npos) << status.error_message();
}

TEST_F(ChannelTest, RequestIdIsTheCallersOrRandom) {
  inference::v1::GetServerInfoResponse first;
  inference::v1::GetServerInfoResponse second;
  ASSERT_TRUE(GetServerInfo("order-66", first).ok());
  EXPECT_EQ(first.version(), "order-66");
  ASSERT_TRUE(GetServerInfo("", first).ok());
  ASSERT_TRUE(GetServerInfo(std::string(200, 'x'), second).ok());
  EXPECT_EQ(first.version().size(), 32u);
  EXPECT_EQ(second.version().size(), 32u);
  EXPECT_NE(first.version(), second.version());
}

TEST_F(ChannelTest, ChildContextCarriesIdsAndDeadline) {
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "parent");
  context.AddMetadata("traceparent", "00-1-2-01");
  inference::v1::ListModelsResponse response;
  ASSERT_TRUE(stub_->ListModels(&context, {}, &response).ok());
  EXPECT_EQ(response.next_page_token(), "parent 00-1-2-01");
}

}  // namespace
}  // namespace quire::services
