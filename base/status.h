#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// absl::Status under a short name, constructors that take a format string, and the two macros
// that abseil 20220623 lacks. Messages have the form "what: wanted X, have Y", no full stop. They
// are one line, whatever they quote: control characters become spaces.

namespace quire {

using absl::OkStatus;
using absl::Status;
using absl::StatusOr;

// Debian's abseil has its own string_view: these two convert at the border.
inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view Message(const Status& status) {
  return {status.message().data(), status.message().size()};
}

// An error with this message on one line.
[[nodiscard]] Status MakeError(absl::StatusCode code, std::string message);

#define QUIRE_DEFINE_STATUS_(Name, code)                                                        \
  template <typename... Args>                                                                   \
  [[nodiscard]] Status Name(fmt::format_string<Args...> format, Args&&... args) {               \
    return MakeError(absl::StatusCode::code, fmt::format(format, std::forward<Args>(args)...)); \
  }
// The caller's fault; never succeeds on retry.
QUIRE_DEFINE_STATUS_(InvalidArgument, kInvalidArgument)
QUIRE_DEFINE_STATUS_(NotFound, kNotFound)
QUIRE_DEFINE_STATUS_(AlreadyExists, kAlreadyExists)
// The system is in the wrong state for this call.
QUIRE_DEFINE_STATUS_(FailedPrecondition, kFailedPrecondition)
// Queue, memory, disk or blocks; retry later.
QUIRE_DEFINE_STATUS_(ResourceExhausted, kResourceExhausted)
QUIRE_DEFINE_STATUS_(Aborted, kAborted)
QUIRE_DEFINE_STATUS_(OutOfRange, kOutOfRange)
QUIRE_DEFINE_STATUS_(Unimplemented, kUnimplemented)
// A peer is away; retry.
QUIRE_DEFINE_STATUS_(Unavailable, kUnavailable)
// Corrupt weights, store or index.
QUIRE_DEFINE_STATUS_(DataLoss, kDataLoss)
QUIRE_DEFINE_STATUS_(Cancelled, kCancelled)
QUIRE_DEFINE_STATUS_(DeadlineExceeded, kDeadlineExceeded)
// Our bug.
QUIRE_DEFINE_STATUS_(Internal, kInternal)
#undef QUIRE_DEFINE_STATUS_

// The same code with "`context`: " before the message; OK stays OK. Keeps payloads.
[[nodiscard]] Status Annotate(const Status& status, std::string_view context);

}  // namespace quire

#define QUIRE_CONCAT_INNER_(a, b) a##b
#define QUIRE_CONCAT_(a, b) QUIRE_CONCAT_INNER_(a, b)

// Returns from the enclosing function if `expr` is not OK.
#define QUIRE_RETURN_IF_ERROR(expr)                                    \
  do {                                                                 \
    if (::quire::Status quire_status_ = (expr); !quire_status_.ok()) { \
      return quire_status_;                                            \
    }                                                                  \
  } while (false)

// QUIRE_ASSIGN_OR_RETURN(auto value, Call()): declares or assigns, or returns the error.
#define QUIRE_ASSIGN_OR_RETURN(lhs, expr) \
  QUIRE_ASSIGN_OR_RETURN_IMPL_(QUIRE_CONCAT_(quire_status_or_, __LINE__), lhs, expr)
#define QUIRE_ASSIGN_OR_RETURN_IMPL_(status_or, lhs, expr)   \
  auto status_or = (expr);                                   \
  if (!status_or.ok()) return std::move(status_or).status(); \
  lhs = *std::move(status_or)
