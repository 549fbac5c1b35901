#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

inline constexpr int kMaxInputDepth = 100;

// `json` as a value of the rendering that owns `arena`: strings and keys have the origin kInput,
// invalid UTF-8 in them is replaced. INVALID_ARGUMENT if it is nested deeper than that.
StatusOr<Value> ValueFromJson(const nlohmann::ordered_json& json, Arena& arena);

}  // namespace quire::engine::jinja
