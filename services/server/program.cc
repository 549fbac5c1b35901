#include <grpc/support/log.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <string>

#include "base/allocator.h"
#include "base/log.h"
#include "services/server/config.h"
#include "services/server/error_details.h"
#include "services/server/version.h"

namespace quire::services {
namespace {

// gRPC writes its own lines to stderr beside our one clear message. GRPC_VERBOSITY brings them
// back.
void QuietGrpcLog() {
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_function([](gpr_log_func_args* line) { log::Debug("grpc: {}", line->message); });
}

// What a person can do about an error, or "".
std::string Hint(const Status& status) {
  // What is damaged is said in one line: the file, the place, the reason.
  if (absl::IsDataLoss(status) || ErrorReason(status) == kBadModelFile) return "";
  if (ErrorReason(status) == kContextLengthExceeded) {
    return "shorten the prompt or ask for fewer tokens";
  }
  if (const auto delay = RetryDelay(status)) {
    return fmt::format("try again in {:.1f} s", static_cast<double>(delay->count()) / 1000.0);
  }
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return "check that the server runs and that its address is right";
    case absl::StatusCode::kResourceExhausted:
      return "try again later, or give the server more room";
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return "this is an error in the program; its log says more";
    default:
      return "";
  }
}

void PrintError(const std::string& program, const Status& status) {
  std::string text = fmt::format("{}: {}\n", program, Message(status));
  for (const FieldViolation& violation : FieldViolations(status)) {
    const bool is_said = Message(status).find(violation.description) != std::string_view::npos;
    if (!is_said) text += fmt::format("  {}: {}\n", violation.field, violation.description);
  }
  if (const std::string hint = Hint(status); !hint.empty()) text += "  hint: " + hint + "\n";
  std::fputs(text.c_str(), stderr);
}

// The exit code if the program is to end here: help was asked for, or the arguments are wrong.
std::optional<int> Parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& request) {  // --help, --version
    return app.exit(request);
  } catch (const CLI::Error& error) {
    std::fputs(fmt::format("{0}: {1}\n  hint: '{0} --help' lists the options\n", app.get_name(),
                           error.what())
                   .c_str(),
               stderr);
    return kExitUsage;
  }
}

Status RunGuarded(const std::function<Status()>& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("memory: the system has no more");
  } catch (const std::exception& error) {
    return Internal("unexpected error: {}", error.what());
  }
}

}  // namespace

int ExitCodeFor(const Status& status) {
  if (ErrorReason(status) == kBadModelFile) return kExitBadFile;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return kExitAuth;
    case absl::StatusCode::kDataLoss:
      return kExitBadFile;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return kExitUsage;
    case absl::StatusCode::kCancelled:
      return kExitInterrupted;
    default:
      return kExitUnavailable;
  }
}

int RunProgram(CLI::App& app, int argc, char** argv, const std::function<Status()>& body) {
  if (app.get_version_ptr() == nullptr) {
    app.set_version_flag("--version", std::string(Version()), "Print the version and exit");
  }
  KeepFreedMemory();
  QuietGrpcLog();
  if (const auto exit_code = Parse(app, argc, argv)) return *exit_code;
  const Status status = RunGuarded(body);
  if (!status.ok()) PrintError(app.get_name(), status);
  return ExitCodeFor(status);
}

}  // namespace quire::services
