#include "base/bus_errors.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <vector>

namespace quire {
namespace {

struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::atomic<bool>* is_lost = nullptr;
};

// A mutex would not do in a signal handler. Nobody reads guarded memory while holding this, so a
// handler never waits for the thread that it interrupts.
class SpinLock {
 public:
  void lock() {
    while (flag_.test_and_set(std::memory_order_acquire)) {
    }
  }
  void unlock() { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag flag_ = ATOMIC_FLAG_INIT;
};

struct Registry {
  SpinLock lock;
  std::vector<Range> ranges;  // guarded by lock
  std::uintptr_t page_bytes = 0;
  struct sigaction previous {};
};

void HandleBusError(int signal, siginfo_t* info, void* context);

// Never destroyed: a handler may run until the process ends.
Registry& GetRegistry() {
  static Registry* const registry = [] {
    auto* created = new Registry;
    created->page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    return created;
  }();
  return *registry;
}

Registry& InstalledRegistry() {
  static const bool installed = [] {
    struct sigaction action {};
    action.sa_sigaction = &HandleBusError;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    return ::sigaction(SIGBUS, &action, &GetRegistry().previous) == 0;
  }();
  static_cast<void>(installed);
  return GetRegistry();
}

// True if the page at `address` is in a guarded range and now reads as zeros.
bool ReplaceLostPages(std::uintptr_t address) {
  Registry& registry = GetRegistry();
  const std::lock_guard lock(registry.lock);
  for (const Range& range : registry.ranges) {
    if (address < range.begin || address >= range.end) continue;
    range.is_lost->store(true);
    // What follows a lost page is lost too when a file is cut, and is not worth a signal a page.
    const std::uintptr_t page = address - address % registry.page_bytes;
    // Not mmap, which POSIX does not allow in a signal handler and which a sanitizer replaces.
    return ::syscall(SYS_mmap, page, range.end - page, PROT_READ,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != -1;
  }
  return false;
}

// What would have happened without this handler.
void PassOn(int signal, siginfo_t* info, void* context) {
  const struct sigaction& previous = GetRegistry().previous;
  const bool is_read_error = info->si_code > 0;  // and was not sent by a process
  if ((previous.sa_flags & SA_SIGINFO) != 0) return previous.sa_sigaction(signal, info, context);
  if (previous.sa_handler == SIG_IGN && !is_read_error) return;
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    return previous.sa_handler(signal);
  }
  struct sigaction fatal {};
  fatal.sa_handler = SIG_DFL;
  ::sigaction(signal, &fatal, nullptr);
  // The read is tried again when this returns; a signal that was sent is not.
  if (!is_read_error) ::raise(signal);
}

void HandleBusError(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const bool is_handled = info->si_code == BUS_ADRERR &&
                          ReplaceLostPages(reinterpret_cast<std::uintptr_t>(info->si_addr));
  errno = saved_errno;
  if (!is_handled) PassOn(signal, info, context);
}

}  // namespace

BusErrorGuard::BusErrorGuard(const void* data, std::size_t size, std::atomic<bool>& is_lost)
    : data_(data) {
  Registry& registry = InstalledRegistry();
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  const std::lock_guard lock(registry.lock);
  registry.ranges.push_back({.begin = begin, .end = begin + size, .is_lost = &is_lost});
}

BusErrorGuard::~BusErrorGuard() {
  Registry& registry = GetRegistry();
  const auto begin = reinterpret_cast<std::uintptr_t>(data_);
  const std::lock_guard lock(registry.lock);
  std::erase_if(registry.ranges, [&](const Range& range) { return range.begin == begin; });
}

}  // namespace quire
