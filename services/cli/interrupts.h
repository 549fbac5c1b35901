#pragma once

#include <grpcpp/client_context.h>

#include <mutex>
#include <thread>

namespace quire::services::cli {

// What Ctrl-C (SIGINT) and SIGTERM do to a client command: they cancel the call that is running,
// so that its work stops at the server too; without a call, and at the second time, they end the
// process with exit code 130.
//
// Requires: BlockTerminationSignals() was called before the first thread started. Thread-safe.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // While it lives, `context` is what an interrupt cancels.
  class CancelScope {
   public:
    CancelScope(Interrupts& interrupts, grpc::ClientContext& context);
    ~CancelScope();
    CancelScope(const CancelScope&) = delete;
    CancelScope& operator=(const CancelScope&) = delete;

   private:
    Interrupts& interrupts_;
    grpc::ClientContext* const outer_;
  };

  // While it lives, an interrupt without a running call does nothing but print `hint` to stderr:
  // the prompt of a conversation.
  class PromptScope {
   public:
    PromptScope(Interrupts& interrupts, const char* hint);
    ~PromptScope();
    PromptScope(const PromptScope&) = delete;
    PromptScope& operator=(const PromptScope&) = delete;

   private:
    Interrupts& interrupts_;
  };

 private:
  void Watch();
  void OnSignal();

  std::mutex mutex_;
  grpc::ClientContext* call_ = nullptr;  // guarded by mutex_
  bool cancelled_ = false;               // call_ was cancelled already; guarded by mutex_
  const char* hint_ = nullptr;           // guarded by mutex_
  bool stopping_ = false;                // guarded by mutex_
  std::thread watcher_;
};

}  // namespace quire::services::cli
