#pragma once

#include <string_view>

namespace quire::services {

// The version of the product, "0.1.0": what `--version` and GetServerInfo say.
std::string_view Version();

}  // namespace quire::services
