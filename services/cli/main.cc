#include <cstdio>
#include <iostream>

#include "base/log.h"
#include "services/cli/command_line.h"
#include "services/cli/session.h"
#include "services/server/config.h"
#include "services/server/server.h"

namespace quire::services::cli {
namespace {

// A full disk or a closed pipe behind stdout is an error like any other.
Status CheckStdout() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return ResourceExhausted("stdout: not everything could be written");
  }
  return OkStatus();
}

int Main(int argc, char** argv) {
  BlockTerminationSignals();
  std::ios::sync_with_stdio(false);
  CommandLine command_line;
  int exit_code = kExitOk;
  const int error_code = RunProgram(command_line.app(), argc, argv, [&]() -> Status {
    const GlobalOptions& options = command_line.options();
    Command& command = command_line.selected();
    const bool level_given = command_line.app().get_option("--log-level")->count() > 0;
    log::Initialize(level_given ? options.log.level : command.default_log_level(),
                    options.log.format == "json");
    Session session(options, /*watch_signals=*/!command.handles_signals());
    QUIRE_RETURN_IF_ERROR(command.Run(session));
    exit_code = session.exit_code();
    return CheckStdout();
  });
  return error_code != kExitOk ? error_code : exit_code;
}

}  // namespace
}  // namespace quire::services::cli

int main(int argc, char** argv) { return quire::services::cli::Main(argc, argv); }
