#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "services/server/server.h"

// Settings of all programs: flag > QUIRE_* environment > --config or ./quire.yaml > user file
// (~/.config/quire/config.yaml) > default. A flag --kv-cache-bytes is QUIRE_KV_CACHE_BYTES in the
// environment and `kv-cache-bytes:` or `kv_cache_bytes:` in YAML (below the program's or the
// subcommand's name, or at the top level).

namespace quire::services {

// Gives `app` the precedence above: sets environment names for every option (recursively for
// subcommands) and a YAML reader. Call after all options are declared, before parsing.
void EnableConfiguration(CLI::App& app);

// Where the value of each option came from: "flag", "environment QUIRE_X", "PATH" or "default",
// for `quire config show --origin`. Valid after parsing.
struct OptionOrigin {
  std::string option;  // "--port"
  std::string value;
  std::string origin;
};
std::vector<OptionOrigin> Origins(const CLI::App& app);

// --host, --port, --admin-port, --drain-timeout, --max-threads.
void AddServerOptions(CLI::App& app, ServerOptions& options);
// --log-level, --log-format text|json.
struct LogOptions {
  std::string level = "info";
  std::string format = "text";
};
void AddLogOptions(CLI::App& app, LogOptions& options);

// Exit codes of all programs, design/cli.md.
enum ExitCode : int {
  kExitOk = 0,
  kExitNoAnswer = 1,
  kExitUsage = 2,
  kExitNotFound = 3,
  kExitUnavailable = 4,
  kExitAuth = 5,
  kExitBadFile = 6,
  kExitInterrupted = 130,
};
// The exit code that goes with an error: ErrorInfo BAD_MODEL_FILE 6; else by code: NOT_FOUND 3;
// UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED 4; UNAUTHENTICATED, PERMISSION_DENIED 5;
// DATA_LOSS 6; INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE 2; CANCELLED 130; others 4.
int ExitCodeFor(const Status& status);

// Parses, runs `body`, prints a Status as "PROGRAM: message" with its field violations and what to
// do next to stderr and returns the exit code. The main of every program.
int RunProgram(CLI::App& app, int argc, char** argv, const std::function<Status()>& body);

}  // namespace quire::services
