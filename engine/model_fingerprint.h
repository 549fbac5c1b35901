#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/formats/checkpoint.h"

namespace quire::engine {

// SHA-256, hexadecimal, over the weight files, `directory`/tokenizer.json, `directory`/config.json
// and `settings`, which is what else decides the model's output. Returns NOT_FOUND if a file is
// absent.
StatusOr<std::string> ModelFingerprint(const std::string& directory, const Checkpoint& checkpoint,
                                       std::string_view settings);

}  // namespace quire::engine
