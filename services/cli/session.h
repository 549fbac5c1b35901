#pragma once

#include <grpcpp/client_context.h>

#include <memory>
#include <optional>
#include <type_traits>

#include "base/status.h"
#include "services/cli/global_options.h"
#include "services/cli/interrupts.h"
#include "services/cli/progress.h"
#include "services/cli/service_channels.h"
#include "services/cli/terminal.h"

namespace quire::services::cli {

// What one run of `quire` has: global options, the terminal, the way to the services.
// Thread-compatible.
class Session {
 public:
  // With `watch_signals` Ctrl-C and SIGTERM cancel calls; else they are the command's business, and
  // it makes no Call.
  Session(const GlobalOptions& options, bool watch_signals);

  const GlobalOptions& options() const { return options_; }
  const Terminal& terminal() const { return terminal_; }
  Interrupts& interrupts() { return *interrupts_; }
  bool is_remote() const { return !options_.server.empty(); }

  // The services at --server, or in this process with `models` over the documents of `store`.
  // Nothing is started or called yet.
  std::unique_ptr<ServiceChannels> Connect(const ModelOptions& models, Store store);

  // The exit code of a run that succeeds.
  void set_exit_code(int code) { exit_code_ = code; }
  int exit_code() const { return exit_code_; }

 private:
  const GlobalOptions& options_;
  const Terminal terminal_;
  std::optional<Interrupts> interrupts_;
  int exit_code_ = 0;
};

// One call: a context with the deadline of --timeout that an interrupt cancels.
class Call {
 public:
  explicit Call(Session& session);

  grpc::ClientContext* context() { return &context_; }
  // The call's error as a Status; an unreachable server is named.
  Status Finish(const grpc::Status& status) const;

 private:
  const Session& session_;
  grpc::ClientContext context_;
  Interrupts::CancelScope cancel_scope_;
};

// CallUnary(session, *stub, &InferenceService::Stub::Score, request): one unary call.
template <typename Stub, typename Request, typename Response>
StatusOr<Response> CallUnary(Session& session, Stub& stub,
                             grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*),
                             const std::type_identity_t<Request>& request) {
  Call call(session);
  Response response;
  QUIRE_RETURN_IF_ERROR(call.Finish((stub.*method)(call.context(), request, &response)));
  return response;
}

}  // namespace quire::services::cli
