#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "grpc/health/v1/health.grpc.pb.h"

namespace quire::services {

// grpc.health.v1.Health. gRPC's own keeps every Watch open until the server's drain timeout, so
// that one watching client would hold up each shutdown for all of it; this one ends them. On the
// callback API: watchers take no threads.
//
// Thread-safe.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  using Response = grpc::health::v1::HealthCheckResponse;

  // Makes `name` known and tells its watchers.
  void Set(const std::string& name, bool serving);
  // Ends running watches, and those that start later, with UNAVAILABLE.
  void EndWatches();

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  Response* response) override;
  grpc::ServerWriteReactor<Response>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  class Watcher;

  // Requires mutex_.
  Response::ServingStatus StatusOf(const std::string& name) const;

  std::mutex mutex_;
  std::map<std::string, Response::ServingStatus> statuses_;
  std::set<Watcher*> watchers_;  // each owns itself until its call is done
  bool ended_ = false;
};

}  // namespace quire::services
