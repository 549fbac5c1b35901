#pragma once

#include <string>
#include <string_view>

// What the standard streams are connected to, which decides about colours, links and bars.

namespace quire::services::cli {

struct Terminal {
  bool stdin_is_terminal = false;
  bool stdout_is_terminal = false;
  bool stderr_is_terminal = false;
  bool color = false;  // on stdout
  int columns = 80;    // of stderr
};

// `color` is "auto", "always" or "never". "auto" follows NO_COLOR and CLICOLOR_FORCE, else colours
// a terminal.
Terminal DetectTerminal(std::string_view color);

// `text` in an ANSI style where `enabled`, else as it is.
std::string Bold(std::string_view text, bool enabled);
std::string Dim(std::string_view text, bool enabled);

// Writes to stdout and flushes, so that a reader sees a stream as it comes.
void Print(std::string_view text);

}  // namespace quire::services::cli
