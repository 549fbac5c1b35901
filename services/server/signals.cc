#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <ctime>

#include "services/server/server.h"

namespace quire::services {
namespace {

constexpr std::chrono::milliseconds kHealthPoll{100};

sigset_t TerminationSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void BlockTerminationSignals() {
  const sigset_t signals = TerminationSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int WaitForTerminationSignal() {
  while (true) {
    if (const auto signal = WaitForTerminationSignal(std::chrono::hours(1))) return *signal;
  }
}

std::optional<int> WaitForTerminationSignal(std::chrono::milliseconds timeout) {
  const sigset_t signals = TerminationSignals();
  const timespec duration{.tv_sec = timeout.count() / 1000,
                          .tv_nsec = (timeout.count() % 1000) * 1'000'000};
  const int signal = sigtimedwait(&signals, nullptr, &duration);
  if (signal < 0) return std::nullopt;
  // The default action is to end the process, which is what a second signal means.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  return signal;
}

Status WaitForTerminationSignalOrFailure(const std::function<Status()>& health) {
  while (!WaitForTerminationSignal(kHealthPoll)) QUIRE_RETURN_IF_ERROR(health());
  return OkStatus();
}

}  // namespace quire::services
