#include "services/cli/interrupts.h"

#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "services/server/config.h"

namespace quire::services::cli {

Interrupts::Interrupts() : watcher_([this] { Watch(); }) {}

Interrupts::~Interrupts() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  pthread_kill(watcher_.native_handle(), SIGTERM);
  watcher_.join();
}

void Interrupts::Watch() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    OnSignal();
  }
}

void Interrupts::OnSignal() {
  const std::lock_guard lock(mutex_);
  if (call_ != nullptr && !cancelled_) {
    cancelled_ = true;
    call_->TryCancel();
  } else if (call_ == nullptr && hint_ != nullptr) {
    std::fputs(hint_, stderr);
  } else {
    // The store survives this like a crash: what was acknowledged is synced.
    std::fputs("\nquire: interrupted\n", stderr);
    std::_Exit(kExitInterrupted);
  }
}

Interrupts::CancelScope::CancelScope(Interrupts& interrupts, grpc::ClientContext& context)
    : interrupts_(interrupts), outer_([&] {
        const std::lock_guard lock(interrupts.mutex_);
        interrupts.cancelled_ = false;
        return std::exchange(interrupts.call_, &context);
      }()) {}

Interrupts::CancelScope::~CancelScope() {
  const std::lock_guard lock(interrupts_.mutex_);
  interrupts_.call_ = outer_;
}

Interrupts::PromptScope::PromptScope(Interrupts& interrupts, const char* hint)
    : interrupts_(interrupts) {
  const std::lock_guard lock(interrupts_.mutex_);
  interrupts_.hint_ = hint;
}

Interrupts::PromptScope::~PromptScope() {
  const std::lock_guard lock(interrupts_.mutex_);
  interrupts_.hint_ = nullptr;
}

}  // namespace quire::services::cli
