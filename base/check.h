#pragma once

// Broken invariants: our bugs, never reachable from a request or a file.

namespace quire {

// Prints "file:line: check failed: expression" to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression);

}  // namespace quire

#define QUIRE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::quire::CheckFailed(__FILE__, __LINE__, #condition))

// For loops: checked in debug builds only.
#ifdef NDEBUG
#define QUIRE_DCHECK(condition) static_cast<void>(sizeof(condition))
#else
#define QUIRE_DCHECK(condition) QUIRE_CHECK(condition)
#endif
