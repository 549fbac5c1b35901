#include "services/cli/confirm.h"

#include <cstdio>
#include <iostream>
#include <string>

namespace quire::services::cli {

Status Confirm(const Terminal& terminal, std::string_view question) {
  if (!terminal.stdin_is_terminal || !terminal.stderr_is_terminal) return OkStatus();
  fmt::print(stderr, "{} [y/N] ", question);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return OkStatus();
  return Cancelled("nothing was removed");
}

}  // namespace quire::services::cli
