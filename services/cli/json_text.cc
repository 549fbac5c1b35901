#include "services/cli/json_text.h"

#include <google/protobuf/util/json_util.h>

#include <charconv>
#include <cmath>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace quire::services::cli {
namespace {

constexpr std::size_t kMaxQuotedBytes = 40;

using Json = nlohmann::json;

std::string Dump(const Json& json) {
  return json.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

Status WrongLine(std::string_view wanted, std::string_view line) {
  const bool cut = line.size() > kMaxQuotedBytes;
  return InvalidArgument("wanted {}, have {}{}", wanted, QuoteJson(line.substr(0, kMaxQuotedBytes)),
                         cut ? "..." : "");
}

Json Parse(std::string_view text) {
  return Json::parse(text, /*callback=*/nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message, JsonStyle style) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.add_whitespace = style == JsonStyle::kPretty;
  std::string json;
  // Fails for an Any of unknown type alone, which the API does not have.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  while (!json.empty() && json.back() == '\n') json.pop_back();
  return json;
}

std::string QuoteJson(std::string_view text) { return Dump(Json(text)); }

std::string JsonArray(std::span<const std::int32_t> values) {
  return fmt::format("[{}]", fmt::join(values, ","));
}

std::string JsonArray(std::span<const float> values) {
  std::string array = "[";
  for (const float value : values) {
    if (array.size() > 1) array += ',';
    array += std::isfinite(value) ? fmt::format("{}", value) : "null";
  }
  return array + "]";
}

StatusOr<std::string> ParseJsonString(std::string_view line) {
  const Json json = Parse(line);
  if (!json.is_string()) return WrongLine("a JSON string", line);
  return json.get<std::string>();
}

StatusOr<std::vector<std::int32_t>> ParseJsonIds(std::string_view line) {
  constexpr char kWanted[] = "a JSON array of token ids";
  const Json json = Parse(line);
  if (!json.is_array()) return WrongLine(kWanted, line);
  std::vector<std::int32_t> ids;
  ids.reserve(json.size());
  for (const Json& element : json) {
    if (!element.is_number_unsigned() || element.get<std::uint64_t>() > INT32_MAX) {
      return WrongLine(kWanted, line);
    }
    ids.push_back(element.get<std::int32_t>());
  }
  return ids;
}

StatusOr<std::vector<std::int32_t>> ParseIdList(std::string_view text) {
  std::vector<std::int32_t> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::int32_t id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc() || id < 0 || (next != end && *next != ',')) {
      return WrongLine("token ids like 1,2,3", text);
    }
    ids.push_back(id);
    if (next == end) return ids;
    at = next + 1;
  }
}

Status ForEachInputLine(const std::function<Status(const std::string& line)>& handle) {
  std::string line;
  for (std::int64_t number = 1; std::getline(std::cin, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    QUIRE_RETURN_IF_ERROR(Annotate(handle(line), fmt::format("stdin line {}", number)));
  }
  return OkStatus();
}

std::string ReadStdin() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

}  // namespace quire::services::cli
