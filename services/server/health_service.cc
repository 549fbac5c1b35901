#include "services/server/health_service.h"

#include <utility>

namespace quire::services {

// One Watch call. Sends the latest status, one write at a time: a slow reader misses changes in
// between, which the protocol allows. Every member but the reactions requires the service's mutex.
class HealthService::Watcher final : public grpc::ServerWriteReactor<Response> {
 public:
  Watcher(HealthService& service, std::string name) : service_(service), name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  void Update(Response::ServingStatus status) {
    latest_ = status;
    Continue();
  }
  void End(grpc::Status status) {
    if (is_ending_) return;
    is_ending_ = true;
    end_status_ = std::move(status);
    Continue();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(service_.mutex_);
    is_writing_ = false;
    if (!ok) End(grpc::Status::CANCELLED);
    Continue();
  }
  void OnCancel() override {
    const std::lock_guard lock(service_.mutex_);
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    {
      const std::lock_guard lock(service_.mutex_);
      service_.watchers_.erase(this);
    }
    delete this;
  }

 private:
  void Continue() {
    if (is_writing_ || is_finished_) return;
    if (is_ending_) {
      is_finished_ = true;
      Finish(end_status_);
    } else if (response_.status() != latest_) {
      is_writing_ = true;
      response_.set_status(latest_);
      StartWrite(&response_);
    }
  }

  HealthService& service_;
  const std::string name_;
  Response response_;  // in the write that runs, or as last sent; UNKNOWN is never sent
  Response::ServingStatus latest_ = Response::UNKNOWN;
  grpc::Status end_status_;
  bool is_writing_ = false;
  bool is_ending_ = false;
  bool is_finished_ = false;
};

void HealthService::Set(const std::string& name, bool serving) {
  const std::lock_guard lock(mutex_);
  statuses_[name] = serving ? Response::SERVING : Response::NOT_SERVING;
  for (Watcher* watcher : watchers_) {
    if (watcher->name() == name) watcher->Update(statuses_[name]);
  }
}

void HealthService::EndWatches() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  for (Watcher* watcher : watchers_) {
    watcher->End({grpc::StatusCode::UNAVAILABLE, "the server is shutting down"});
  }
}

HealthService::Response::ServingStatus HealthService::StatusOf(const std::string& name) const {
  const auto entry = statuses_.find(name);
  return entry == statuses_.end() ? Response::SERVICE_UNKNOWN : entry->second;
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const grpc::health::v1::HealthCheckRequest* request,
                                               Response* response) {
  const std::lock_guard lock(mutex_);
  const Response::ServingStatus status = StatusOf(request->service());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (status == Response::SERVICE_UNKNOWN) {
    reactor->Finish({grpc::StatusCode::NOT_FOUND, "no such service"});
  } else {
    response->set_status(status);
    reactor->Finish(grpc::Status::OK);
  }
  return reactor;
}

grpc::ServerWriteReactor<HealthService::Response>* HealthService::Watch(
    grpc::CallbackServerContext*, const grpc::health::v1::HealthCheckRequest* request) {
  const std::lock_guard lock(mutex_);
  auto* watcher = new Watcher(*this, request->service());
  watchers_.insert(watcher);
  watcher->Update(StatusOf(watcher->name()));
  if (ended_) watcher->End({grpc::StatusCode::UNAVAILABLE, "the server is shutting down"});
  return watcher;
}

}  // namespace quire::services
