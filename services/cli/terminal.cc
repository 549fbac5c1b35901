#include "services/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace quire::services::cli {
namespace {

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool WantsColor(std::string_view mode, bool stdout_is_terminal) {
  if (mode == "always") return true;
  if (mode == "never" || IsSet("NO_COLOR")) return false;
  if (IsSet("CLICOLOR_FORCE") && std::string_view(std::getenv("CLICOLOR_FORCE")) != "0") {
    return true;
  }
  const char* term = std::getenv("TERM");
  return stdout_is_terminal && term != nullptr && std::string_view(term) != "dumb";
}

int Columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string Styled(std::string_view code, std::string_view text, bool enabled) {
  if (!enabled) return std::string(text);
  std::string styled = "\x1b[";
  styled.append(code).append("m").append(text).append("\x1b[0m");
  return styled;
}

}  // namespace

Terminal DetectTerminal(std::string_view color) {
  Terminal terminal;
  terminal.stdin_is_terminal = isatty(STDIN_FILENO) == 1;
  terminal.stdout_is_terminal = isatty(STDOUT_FILENO) == 1;
  terminal.stderr_is_terminal = isatty(STDERR_FILENO) == 1;
  terminal.color = WantsColor(color, terminal.stdout_is_terminal);
  terminal.columns = Columns();
  return terminal;
}

std::string Bold(std::string_view text, bool enabled) { return Styled("1", text, enabled); }
std::string Dim(std::string_view text, bool enabled) { return Styled("2", text, enabled); }

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace quire::services::cli
