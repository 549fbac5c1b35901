#pragma once

#include <string>

#include "base/status.h"

namespace quire::services {

// The name of the model at `path`: `given` if it is not empty, else the last part of the path
// without ".gguf", or the name of the hub's repository that it is of. Returns INVALID_ARGUMENT if
// `given` is no name: 1 to 128 letters, digits, '.',
// '_' or '-', and not one that requests use for the defaults.
StatusOr<std::string> ModelName(const std::string& given, const std::string& path);

}  // namespace quire::services
