#pragma once

#include <functional>
#include <string>

#include "engine/model/decoder_layout.h"

namespace quire::engine {

// What the names of a decoder's tensors have before those of its layout: "model.", "transformer.",
// "language_model.model.", "model.language_model." or nothing. `contains` says which tensors there
// are.
std::string FindWeightPrefix(const DecoderLayout& layout,
                             const std::function<bool(const std::string&)>& contains);

}  // namespace quire::engine
