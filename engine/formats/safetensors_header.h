#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/formats/safetensors.h"

namespace quire::engine {

// What the JSON header of a safetensors file says, form checked, numbers not yet.
struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // offsets relative to the byte buffer
  std::map<std::string, std::string> metadata;
};

// Parses a header. Returns DATA_LOSS, without the file's name, if it is no JSON, has an unknown or
// missing field, a number that is no non-negative integer, or a name twice.
StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view json);

}  // namespace quire::engine
