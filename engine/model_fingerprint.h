#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/formats/checkpoint.h"

namespace quire::engine {

// SHA-256, hexadecimal, over `files`, which are the model's configuration and tokenizer or a GGUF
// file with all of it, the weight files of `checkpoint`, null where there is none, and `settings`,
// which is what else decides the model's output. Returns NOT_FOUND if a file
// is absent, DATA_LOSS if one changes meanwhile.
StatusOr<std::string> ModelFingerprint(std::span<const std::string> files,
                                       const Checkpoint* checkpoint, std::string_view settings);

}  // namespace quire::engine
