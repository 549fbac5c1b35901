#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

// Logging goes to stderr through spdlog: quire::log::Info("loaded {} in {} ms", name, ms).
// Prompts, documents and answers are never logged.

namespace quire::log {

// Sets the threshold ("debug", "info", "warn", "error", "off") and, if `json`, one JSON object a
// line. Call once, from main. An unknown level counts as "info".
void Initialize(std::string_view level, bool json);

template <typename... Args>
void Debug(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::debug(format, std::forward<Args>(args)...);
}
template <typename... Args>
void Info(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::info(format, std::forward<Args>(args)...);
}
template <typename... Args>
void Warn(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::warn(format, std::forward<Args>(args)...);
}
template <typename... Args>
void Error(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::error(format, std::forward<Args>(args)...);
}

}  // namespace quire::log
