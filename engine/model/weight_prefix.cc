#include "engine/model/weight_prefix.h"

#include <fmt/format.h>

namespace quire::engine {
namespace {

// A base model has nothing, one with a head the base model's name, one of images and text that of
// its text part, before or after it.
constexpr const char* kPrefixes[] = {"model.", "transformer.", "language_model.model.",
                                     "model.language_model."};

}  // namespace

std::string FindWeightPrefix(const DecoderLayout& layout,
                             const std::function<bool(const std::string&)>& contains) {
  for (const char* prefix : kPrefixes) {
    if (contains(fmt::format("{}{}.weight", prefix, layout.embedding))) return prefix;
  }
  return "";
}

}  // namespace quire::engine
