#include "services/cli/session.h"

#include <chrono>

#include "services/cli/local_services.h"
#include "services/cli/remote_services.h"
#include "services/server/grpc_status.h"

namespace quire::services::cli {

Session::Session(const GlobalOptions& options, bool watch_signals)
    : options_(options), terminal_(DetectTerminal(options.color)) {
  if (watch_signals) interrupts_.emplace();
}

std::unique_ptr<ServiceChannels> Session::Connect(const ModelOptions& models, Store store) {
  if (is_remote()) return std::make_unique<RemoteServices>(options_.server, models);
  return std::make_unique<LocalServices>(options_, models, store, terminal_);
}

Call::Call(Session& session) : session_(session), cancel_scope_(session.interrupts(), context_) {
  const double seconds = session.options().timeout_seconds;
  if (seconds > 0) {
    context_.set_deadline(std::chrono::system_clock::now() +
                          std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
  }
}

Status Call::Finish(const grpc::Status& status) const {
  Status result = FromGrpcStatus(status);
  if (absl::IsUnavailable(result) && session_.is_remote()) {
    return Annotate(result, "server " + session_.options().server);
  }
  return result;
}

}  // namespace quire::services::cli
