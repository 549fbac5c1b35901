#include "services/server/server.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "services/server/builder_plugins.h"
#include "services/server/health_service.h"

namespace quire::services {
namespace {

// A client that pings more often than every 20 s is
// told to go away after two strikes; a peer that does not answer a ping within 10 s is gone.
constexpr int kMaxRequestBytes = 16 << 20;
constexpr int kMaxMetadataBytes = 16 << 10;
constexpr int kMaxStreamsPerConnection = 128;
constexpr int kHandshakeTimeoutMs = 5'000;
constexpr int kKeepaliveTimeMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMinPingIntervalMs = 20'000;
constexpr int kMaxPingStrikes = 2;
// Clients behind a name with several addresses find new ones when a connection ends. The grace is
// the longest call a service allows.
constexpr int kMaxConnectionAgeMs = 30 * 60'000;
constexpr int kMaxConnectionAgeGraceMs = 10 * 60'000;
constexpr int kAdminThreads = 8;

constexpr char kLiveness[] = "liveness";
constexpr char kServer[] = "";

std::string Address(const std::string& host, std::int32_t port) {
  const bool bare_ipv6 = host.find(':') != std::string::npos && host.front() != '[';
  return bare_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

// The synchronous API: a streamed message costs about 19 us on loopback, 66 us with the callback
// API, and a thread per running call is affordable at this number of calls.
void SetLimits(grpc::ServerBuilder& builder, int max_calls) {
  grpc::ResourceQuota quota;
  quota.SetMaxThreads(max_calls + 1);  // one more waits for the next call
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kMaxPingStrikes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kMaxConnectionAgeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kMaxConnectionAgeGraceMs);
  // Two servers on one port would share its connections instead of one being told that it is taken.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A compressed message is inflated before its size is known.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
}

class GrpcServer final : public Server {
 public:
  explicit GrpcServer(std::chrono::seconds drain_timeout) : drain_timeout_(drain_timeout) {}
  ~GrpcServer() override { Shutdown(); }

  Status Listen(const ServerOptions& options, const std::vector<grpc::Service*>& services);

  void SetServing(bool serving) override;
  std::int32_t port() const override { return port_; }
  std::int32_t admin_port() const override { return admin_port_; }
  void Shutdown() override;
  void Wait() override;

 private:
  void SetHealth(const std::string& name, bool serving);
  void Stop();

  const std::chrono::seconds drain_timeout_;
  std::vector<std::string> service_names_;
  int port_ = 0;
  int admin_port_ = -1;
  HealthService main_health_;
  HealthService admin_health_;
  std::unique_ptr<grpc::Server> main_;
  std::unique_ptr<grpc::Server> admin_;  // reads the list of main_'s services, so it goes first

  std::once_flag stop_once_;
  std::mutex mutex_;
  std::condition_variable stopped_changed_;
  bool stopped_ = false;
};

// Returns UNAVAILABLE naming the address if `builder` cannot bind `port`; else sets it to the port
// that was bound.
StatusOr<std::unique_ptr<grpc::Server>> Build(grpc::ServerBuilder& builder,
                                              const std::string& address, int& port) {
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  auto server = builder.BuildAndStart();
  if (server == nullptr) {
    return Unavailable("server: wanted to listen on {}, have an address that is taken or not ours",
                       address);
  }
  return server;
}

Status GrpcServer::Listen(const ServerOptions& options,
                          const std::vector<grpc::Service*>& services) {
  grpc::ServerBuilder main_builder;
  grpc::ServerBuilder admin_builder;
  const bool has_admin_port = options.admin_port >= 0;
  SetLimits(main_builder, options.max_threads);
  for (grpc::Service* service : services) main_builder.RegisterService(service);
  main_builder.RegisterService(&main_health_);
  SetHealth(kServer, false);
  SetHealth(kLiveness, true);
  RecordServiceNames(main_builder, service_names_);
  if (has_admin_port) MoveReflection(main_builder, admin_builder);
  QUIRE_ASSIGN_OR_RETURN(main_, Build(main_builder, Address(options.host, options.port), port_));
  if (has_admin_port) {
    // Its own threads: probes are answered while every thread of the main port is busy.
    SetLimits(admin_builder, kAdminThreads);
    admin_builder.RegisterService(&admin_health_);
    QUIRE_ASSIGN_OR_RETURN(
        admin_, Build(admin_builder, Address(options.host, options.admin_port), admin_port_));
  }
  SetServing(false);
  return OkStatus();
}

void GrpcServer::SetHealth(const std::string& name, bool serving) {
  main_health_.Set(name, serving);
  admin_health_.Set(name, serving);
}

void GrpcServer::SetServing(bool serving) {
  SetHealth(kServer, serving);
  for (const std::string& name : service_names_) SetHealth(name, serving);
}

void GrpcServer::Shutdown() {
  std::call_once(stop_once_, [this] { Stop(); });
}

void GrpcServer::Stop() {
  SetServing(false);
  main_health_.EndWatches();
  admin_health_.EndWatches();
  if (main_ != nullptr) {
    main_->Shutdown(std::chrono::system_clock::now() + drain_timeout_);
  }
  if (admin_ != nullptr) admin_->Shutdown(std::chrono::system_clock::now());
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopped_changed_.notify_all();
}

void GrpcServer::Wait() {
  std::unique_lock lock(mutex_);
  stopped_changed_.wait(lock, [this] { return stopped_; });
}

Status Check(const ServerOptions& options) {
  if (options.host.empty()) return InvalidArgument("host: wanted a name or an address, have none");
  if (options.max_threads < 1) {
    return InvalidArgument("max_threads: wanted at least 1, have {}", options.max_threads);
  }
  if (options.port < 0 || options.port > 65535 || options.admin_port > 65535) {
    return InvalidArgument("port: wanted at most 65535, have {} and admin port {}", options.port,
                           options.admin_port);
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                const std::vector<grpc::Service*>& services) {
  QUIRE_RETURN_IF_ERROR(Check(options));
  auto server = std::make_unique<GrpcServer>(options.drain_timeout);
  QUIRE_RETURN_IF_ERROR(server->Listen(options, services));
  return server;
}

}  // namespace quire::services
