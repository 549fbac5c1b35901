#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <memory>
#include <string>

namespace quire::log {

void Initialize(std::string_view level, bool json) {
  auto logger = spdlog::stderr_color_mt("quire");
  // The message is ours and holds no quotes by convention; the JSON form is for log collectors.
  if (json) {
    logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%v"})");
  } else {
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  }
  const std::string name(level);
  auto threshold = spdlog::level::from_str(name);
  if (threshold == spdlog::level::off && name != "off") threshold = spdlog::level::info;
  logger->set_level(threshold);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace quire::log
