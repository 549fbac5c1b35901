// Who leaves early frees what the request held; who comes too late is told when to come back.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "services/server/error_details.h"
#include "tests/integration/inference/inference_fixture.h"
#include "tests/integration/inference/tiny_models.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using inference::v1::GenerateRequest;
using inference::v1::InferenceService;
using inference::v1::StreamGenerateResponse;
using quire::testing::HasCode;

// Long enough to run for a minute if nothing ends it.
constexpr int kContextTokens = 60'000;

GenerateRequest EndlessRequest() {
  GenerateRequest request;
  request.set_text("Once");
  request.mutable_stopping()->set_max_tokens(kContextTokens - 100);
  request.mutable_stopping()->set_ignore_eos(true);
  return request;
}

// Forwards one TCP connection until it is cut, as when a client's machine loses power: the server
// gets no goodbye from HTTP/2.
class CuttableConnection {
 public:
  explicit CuttableConnection(int server_port) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    socklen_t length = sizeof(address);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    listen(listener_, 1);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    forwarder_ = std::thread([this, server_port] { Forward(server_port); });
  }
  ~CuttableConnection() {
    Cut();
    forwarder_.join();
    close(listener_);
  }

  int port() const { return port_; }
  void Cut() {
    shutdown(listener_, SHUT_RDWR);
    shutdown(client_, SHUT_RDWR);
    shutdown(server_, SHUT_RDWR);
  }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static void Pump(int from, int to) {
    char block[65536];
    for (ssize_t count; (count = recv(from, block, sizeof(block), 0)) > 0;) {
      if (send(to, block, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) return;
    }
  }
  void Forward(int server_port) {
    client_ = accept(listener_, nullptr, nullptr);
    server_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(server_port);
    connect(server_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    std::thread back([this] { Pump(server_, client_); });
    Pump(client_, server_);
    back.join();
    close(client_);
    close(server_);
  }

  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> client_ = -1;
  std::atomic<int> server_ = -1;
  std::thread forwarder_;
};

class CancellationTest : public ::testing::Test {
 protected:
  CancellationTest() {
    testing::WriteLanguageModel(directory_.path() / "tiny", kContextTokens);
    InferenceOptions options;
    options.model = (directory_.path() / "tiny").string();
    options.max_sequences = 2;
    options.max_queued_requests = 1;
    running_ = std::make_unique<testing::RunningInference>(options);
  }

  quire::testing::TemporaryDirectory directory_;
  std::unique_ptr<testing::RunningInference> running_;
};

// Reads until the first delta.
bool ReadDelta(grpc::ClientReader<StreamGenerateResponse>& reader) {
  StreamGenerateResponse message;
  while (reader.Read(&message)) {
    if (message.has_delta()) return true;
  }
  return false;
}

TEST_F(CancellationTest, CancelledStreamFreesItsBlocks) {
  grpc::ClientContext context;
  const auto reader = running_->stub().StreamGenerate(&context, EndlessRequest());
  ASSERT_TRUE(ReadDelta(*reader));
  EXPECT_LT(running_->Info().num_free_kv_blocks(), running_->Info().num_kv_blocks());
  context.TryCancel();
  StreamGenerateResponse message;
  while (reader->Read(&message)) {
  }
  EXPECT_THAT(FromGrpcStatus(reader->Finish()), HasCode(absl::StatusCode::kCancelled));
  EXPECT_TRUE(running_->AwaitIdle());
}

TEST_F(CancellationTest, CancelledUnaryCallFreesItsBlocks) {
  grpc::ClientContext context;
  auto call = std::async(std::launch::async, [&] {
    inference::v1::GenerateResponse response;
    return FromGrpcStatus(running_->stub().Generate(&context, EndlessRequest(), &response));
  });
  ASSERT_TRUE(running_->AwaitInfo([](const auto& server) {
    return server.num_running_requests() == 1 &&
           server.num_free_kv_blocks() < server.num_kv_blocks();
  }));
  context.TryCancel();
  EXPECT_THAT(call.get(), HasCode(absl::StatusCode::kCancelled));
  EXPECT_TRUE(running_->AwaitIdle());
}

TEST_F(CancellationTest, VanishedClientFreesItsBlocks) {
  CuttableConnection connection(running_->server().port());
  const auto channel = MakeChannel("127.0.0.1:" + std::to_string(connection.port()));
  const auto stub = InferenceService::NewStub(channel);
  grpc::ClientContext context;
  const auto reader = stub->StreamGenerate(&context, EndlessRequest());
  ASSERT_TRUE(ReadDelta(*reader));
  EXPECT_EQ(running_->Info().num_running_requests(), 1);
  connection.Cut();
  EXPECT_TRUE(running_->AwaitIdle());
  context.TryCancel();
}

TEST_F(CancellationTest, DeadlineEndsTheWork) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  inference::v1::GenerateResponse response;
  EXPECT_THAT(FromGrpcStatus(running_->stub().Generate(&context, EndlessRequest(), &response)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(running_->AwaitIdle());
}

TEST_F(CancellationTest, FullQueueRefusesAtOnceAndSaysWhenToRetry) {
  // Two run, one waits.
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<StreamGenerateResponse>>> readers;
  for (int i = 0; i < 3; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(running_->stub().StreamGenerate(contexts.back().get(), EndlessRequest()));
    ASSERT_TRUE(running_->AwaitInfo([i](const auto& server) {
      return server.num_running_requests() + server.num_waiting_requests() == i + 1 &&
             server.num_running_requests() == std::min(i + 1, 2);
    }));
  }
  inference::v1::GenerateResponse response;
  const Status refused =
      running_->Call(&InferenceService::Stub::Generate, EndlessRequest(), response);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ErrorReason(refused), kQueueFull);
  EXPECT_TRUE(RetryDelay(refused).has_value());
  for (const auto& context : contexts) context->TryCancel();
  EXPECT_TRUE(running_->AwaitIdle());
}

TEST_F(CancellationTest, ShutdownCancelsWhatOutlastsTheDrain) {
  grpc::ClientContext context;
  const auto reader = running_->stub().StreamGenerate(&context, EndlessRequest());
  ASSERT_TRUE(ReadDelta(*reader));
  const auto start = std::chrono::steady_clock::now();
  running_->server().Shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  StreamGenerateResponse message;
  while (reader->Read(&message)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

}  // namespace
}  // namespace quire::services
