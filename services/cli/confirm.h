#pragma once

#include <string_view>

#include "base/status.h"
#include "services/cli/terminal.h"

namespace quire::services::cli {

// Asks "`question` [y/N]" where somebody can answer; scripts mean what they say. Returns CANCELLED
// unless the answer is yes.
Status Confirm(const Terminal& terminal, std::string_view question);

}  // namespace quire::services::cli
