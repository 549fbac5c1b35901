#include "services/server/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <cctype>
#include <random>
#include <string_view>

#include "base/status.h"

namespace quire::services {
namespace {

// UNAVAILABLE means that nothing was done, so every method may be tried again; a stream is, until
// its first message. The throttle stops retries when more than about one call in ten fails. Calls
// do not wait for a server that is away: the caller gets an UNAVAILABLE that names the address.
constexpr char kServiceConfig[] = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{}],
    "waitForReady": false,
    "retryPolicy": {
      "maxAttempts": 4,
      "initialBackoff": "0.1s",
      "maxBackoff": "2s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }],
  "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1}
})";

constexpr int kClientKeepaliveTimeMs = 30'000;
constexpr int kClientKeepaliveTimeoutMs = 10'000;
// 4,096 embeddings of 4,096 dimensions are 64 MiB.
constexpr int kMaxResponseBytes = 80 << 20;

constexpr std::string_view kRequestIdKey = "x-request-id";
constexpr std::size_t kMaxRequestIdBytes = 128;

// The value of a metadata key, or "".
std::string Metadata(const grpc::ServerContext& context, std::string_view key) {
  const auto& metadata = context.client_metadata();
  const auto entry = metadata.find(grpc::string_ref(key.data(), key.size()));
  if (entry == metadata.end()) return "";
  return {entry->second.data(), entry->second.size()};
}

bool IsRequestId(std::string_view text) {
  if (text.empty() || text.size() > kMaxRequestIdBytes) return false;
  for (const char c : text) {
    if (std::isgraph(static_cast<unsigned char>(c)) == 0) return false;
  }
  return true;
}

std::string RandomId() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kClientKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kClientKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Services are peers in one network: a proxy for web traffic is not for them.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

std::unique_ptr<grpc::ClientContext> MakeChildContext(const grpc::ServerContext& parent) {
  return MakeChildContext(parent, RequestId(parent));
}

std::unique_ptr<grpc::ClientContext> MakeChildContext(const grpc::ServerContext& parent,
                                                      const std::string& request_id) {
  auto context = grpc::ClientContext::FromServerContext(parent);
  context->AddMetadata(std::string(kRequestIdKey), request_id);
  for (const char* key : {"traceparent", "tracestate"}) {
    const std::string value = Metadata(parent, key);
    if (!value.empty()) context->AddMetadata(key, value);
  }
  return context;
}

std::string PeerHost(const grpc::ServerContext& context) {
  const std::string peer = context.peer();
  const std::size_t port = peer.rfind(':');
  return peer.starts_with("ip") && port != std::string::npos ? peer.substr(0, port) : peer;
}

std::string RequestId(const grpc::ServerContext& context) {
  std::string id = Metadata(context, kRequestIdKey);
  return IsRequestId(id) ? id : RandomId();
}

}  // namespace quire::services
