#include "tests/unit/services/inference/fakes.h"

#include <nlohmann/json.hpp>

namespace quire::services::testing {

StatusOr<std::vector<engine::TextSegment>> PlainTemplate::Render(
    const nlohmann::ordered_json& input, const Options& options) const {
  using Kind = engine::TextSegment::Kind;
  std::vector<engine::TextSegment> segments;
  for (const auto& message : input.at("messages")) {
    const auto role = message.at("role").get<std::string>();
    if (role == "system") return InvalidArgument("no system messages, please");
    segments.push_back({Kind::kTemplate, options.bos_token + role + ":"});
    segments.push_back({Kind::kContent, message.at("content").get<std::string>()});
    segments.push_back({Kind::kTemplate, ";"});
  }
  if (options.add_generation_prompt) segments.push_back({Kind::kTemplate, "assistant:"});
  return segments;
}

}  // namespace quire::services::testing
