#include "services/server/server.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <future>
#include <thread>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/server/channel.h"
#include "tests/support/grpc_probes.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using inference::v1::InferenceService;
using quire::testing::CheckHealth;
using quire::testing::FailsWith;
using quire::testing::ListServices;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kServiceName[] = "quire.inference.v1.InferenceService";

// GetServerInfo blocks until Release or until the call is cancelled; ListModels answers at once.
class BlockingService final : public InferenceService::Service {
 public:
  grpc::Status GetServerInfo(grpc::ServerContext* context,
                             const inference::v1::GetServerInfoRequest*,
                             inference::v1::GetServerInfoResponse*) override {
    ++num_entered_;
    while (released_.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
      if (context->IsCancelled()) return {grpc::StatusCode::CANCELLED, "cancelled"};
    }
    return grpc::Status::OK;
  }
  grpc::Status ListModels(grpc::ServerContext*, const inference::v1::ListModelsRequest*,
                          inference::v1::ListModelsResponse*) override {
    return grpc::Status::OK;
  }
  grpc::Status CountTokens(grpc::ServerContext*, const inference::v1::CountTokensRequest*,
                           inference::v1::CountTokensResponse*) override {
    return grpc::Status::OK;
  }

  void Release() { release_.set_value(); }
  void AwaitEntered(int count) const {
    while (num_entered_ < count) std::this_thread::yield();
  }

 private:
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  std::atomic<int> num_entered_ = 0;
};

std::shared_ptr<grpc::Channel> ChannelTo(std::int32_t port) {
  return MakeChannel("127.0.0.1:" + std::to_string(port));
}

class ServerTest : public ::testing::Test {
 protected:
  void Start(const ServerOptions& options) {
    auto server = Server::Start(options, {&service_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = InferenceService::NewStub(ChannelTo(server_->port()));
  }

  grpc::Status ListModels() {
    grpc::ClientContext context;
    inference::v1::ListModelsResponse response;
    return stub_->ListModels(&context, {}, &response);
  }

  // Starts a call that blocks in the service.
  std::future<grpc::Status> StartBlockingCall() {
    return std::async(std::launch::async, [this] {
      grpc::ClientContext context;
      inference::v1::GetServerInfoResponse response;
      return stub_->GetServerInfo(&context, {}, &response);
    });
  }

  BlockingService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<InferenceService::Stub> stub_;
};

TEST_F(ServerTest, HealthFollowsServingButLivenessDoesNot) {
  Start({});
  const auto channel = ChannelTo(server_->port());
  EXPECT_EQ(CheckHealth(channel, ""), "NOT_SERVING");
  EXPECT_EQ(CheckHealth(channel, kServiceName), "NOT_SERVING");
  EXPECT_EQ(CheckHealth(channel, "liveness"), "SERVING");
  EXPECT_EQ(CheckHealth(channel, "other"), "NOT_FOUND");
  server_->SetServing(true);
  EXPECT_EQ(CheckHealth(channel, ""), "SERVING");
  EXPECT_EQ(CheckHealth(channel, kServiceName), "SERVING");
}

TEST_F(ServerTest, ReflectionListsTheServices) {
  Start({});
  EXPECT_EQ(server_->admin_port(), -1);
  EXPECT_THAT(ListServices(ChannelTo(server_->port())), HasSubstr(kServiceName));
}

TEST_F(ServerTest, AdminPortServesHealthAndReflectionOfTheMainPort) {
  Start({.admin_port = 0});
  const auto admin = ChannelTo(server_->admin_port());
  server_->SetServing(true);
  EXPECT_EQ(CheckHealth(admin, kServiceName), "SERVING");
  EXPECT_THAT(ListServices(admin), HasSubstr(kServiceName));
  EXPECT_EQ(CheckHealth(ChannelTo(server_->port()), ""), "SERVING");
  EXPECT_THAT(ListServices(ChannelTo(server_->port())), Not(HasSubstr(kServiceName)));
}

TEST_F(ServerTest, TakenPortIsUnavailableNamingTheAddress) {
  Start({});
  BlockingService other;
  const ServerOptions same{.port = server_->port()};
  EXPECT_THAT(
      Server::Start(same, {&other}),
      FailsWith(absl::StatusCode::kUnavailable, "127.0.0.1:" + std::to_string(server_->port())));
}

TEST_F(ServerTest, BadOptionsAreRefused) {
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Server::Start({.host = ""}, {&service_}), FailsWith(code, "host"));
  EXPECT_THAT(Server::Start({.port = 70'000}, {&service_}), FailsWith(code, "port"));
  EXPECT_THAT(Server::Start({.max_threads = 0}, {&service_}), FailsWith(code, "max_threads"));
}

TEST_F(ServerTest, CallsBeyondTheLimitAreRefusedWhileProbesAreAnswered) {
  Start({.admin_port = 0, .max_threads = 2});
  auto first = StartBlockingCall();
  auto second = StartBlockingCall();
  service_.AwaitEntered(2);
  EXPECT_EQ(ListModels().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(CheckHealth(ChannelTo(server_->admin_port()), "liveness"), "SERVING");
  service_.Release();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_TRUE(ListModels().ok());
}

TEST_F(ServerTest, MessagesAreTakenUpToSixteenMebibytes) {
  Start({});
  inference::v1::CountTokensRequest request;
  inference::v1::CountTokensResponse response;
  request.add_texts(std::string((16 << 20) - 64, 'x'));
  grpc::ClientContext fits;
  EXPECT_TRUE(stub_->CountTokens(&fits, request, &response).ok());
  request.add_texts(std::string(64, 'x'));
  grpc::ClientContext too_long;
  EXPECT_EQ(stub_->CountTokens(&too_long, request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ServerTest, CompressedMessagesAreRefused) {
  Start({});
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  inference::v1::CountTokensRequest request;
  request.add_texts(std::string(1 << 20, 'x'));
  inference::v1::CountTokensResponse response;
  EXPECT_EQ(stub_->CountTokens(&context, request, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ServerTest, ShutdownLetsRunningCallsFinish) {
  Start({.drain_timeout = std::chrono::seconds(60)});
  auto call = StartBlockingCall();
  service_.AwaitEntered(1);
  auto shutdown = std::async(std::launch::async, [this] { server_->Shutdown(); });
  EXPECT_EQ(shutdown.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  service_.Release();
  EXPECT_TRUE(call.get().ok());
  shutdown.get();
  server_->Wait();
  EXPECT_EQ(ListModels().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerTest, ShutdownCancelsCallsAfterTheDrainTimeout) {
  Start({.drain_timeout = std::chrono::seconds(0)});
  auto call = StartBlockingCall();
  service_.AwaitEntered(1);
  server_->Shutdown();
  EXPECT_FALSE(call.get().ok());
}

// A Watch of the server's health.
class HealthWatch {
 public:
  HealthWatch(const std::shared_ptr<grpc::Channel>& channel, const std::string& service)
      : stub_(grpc::health::v1::Health::NewStub(channel)) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    reader_ = stub_->Watch(&context_, request);
  }
  // The next state, or "ended".
  std::string Next() {
    grpc::health::v1::HealthCheckResponse response;
    if (!reader_->Read(&response)) return "ended";
    return grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status());
  }
  void Cancel() { context_.TryCancel(); }

 private:
  std::unique_ptr<grpc::health::v1::Health::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<grpc::health::v1::HealthCheckResponse>> reader_;
};

TEST_F(ServerTest, WatchersHearOfEveryChange) {
  Start({});
  HealthWatch watch(ChannelTo(server_->port()), "");
  HealthWatch unknown(ChannelTo(server_->port()), "other");
  EXPECT_EQ(watch.Next(), "NOT_SERVING");
  EXPECT_EQ(unknown.Next(), "SERVICE_UNKNOWN");
  server_->SetServing(true);
  EXPECT_EQ(watch.Next(), "SERVING");
  unknown.Cancel();
  EXPECT_EQ(unknown.Next(), "ended");
}

TEST_F(ServerTest, ShutdownDoesNotWaitForWatchersOfHealth) {
  Start({.admin_port = 0, .drain_timeout = std::chrono::seconds(60)});
  HealthWatch main_watch(ChannelTo(server_->port()), "liveness");
  HealthWatch admin_watch(ChannelTo(server_->admin_port()), "liveness");
  EXPECT_EQ(main_watch.Next(), "SERVING");
  EXPECT_EQ(admin_watch.Next(), "SERVING");
  const auto start = std::chrono::steady_clock::now();
  server_->Shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(main_watch.Next(), "ended");
}

TEST_F(ServerTest, ShutdownTwiceIsHarmless) {
  Start({});
  server_->Shutdown();
  server_->Shutdown();
  server_->Wait();
}

TEST(TerminationSignalTest, FirstSignalIsReturnedAndTheSecondEndsTheProcess) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  BlockTerminationSignals();
  EXPECT_EQ(WaitForTerminationSignal(std::chrono::milliseconds(1)), std::nullopt);
  const auto raise_twice = [] {
    kill(getpid(), SIGTERM);
    if (WaitForTerminationSignal() != SIGTERM) return;
    kill(getpid(), SIGINT);
    pause();
  };
  EXPECT_EXIT(raise_twice(), ::testing::KilledBySignal(SIGINT), "");
}

TEST(TerminationSignalTest, AFailureEndsTheWaitToo) {
  BlockTerminationSignals();
  int num_asked = 0;
  const Status ended = WaitForTerminationSignalOrFailure(
      [&] { return ++num_asked < 3 ? OkStatus() : Unavailable("device: lost"); });
  EXPECT_THAT(ended, quire::testing::FailsWith(absl::StatusCode::kUnavailable, "device: lost"));
  EXPECT_EQ(num_asked, 3);
}

}  // namespace
}  // namespace quire::services
