#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

// JSON as commands read and write it: one value a line.

namespace quire::services::cli {

enum class JsonStyle { kLine, kPretty };

// `message` in proto3 JSON, fields with default values included.
std::string ToJson(const google::protobuf::Message& message, JsonStyle style = JsonStyle::kLine);

// `text` as a JSON string. Invalid UTF-8 becomes U+FFFD.
std::string QuoteJson(std::string_view text);
// "[1,2,3]"
std::string JsonArray(std::span<const std::int32_t> values);
// Each number as short as it can be and still read back as the same float.
std::string JsonArray(std::span<const float> values);

// Both return INVALID_ARGUMENT saying what the line holds instead.
StatusOr<std::string> ParseJsonString(std::string_view line);
StatusOr<std::vector<std::int32_t>> ParseJsonIds(std::string_view line);

// "1,2,3"
StatusOr<std::vector<std::int32_t>> ParseIdList(std::string_view text);

// Calls `handle` with each line of stdin that is not blank. Its errors get the line's number and
// end the reading.
Status ForEachInputLine(const std::function<Status(const std::string& line)>& handle);
// All of stdin.
std::string ReadStdin();

}  // namespace quire::services::cli
