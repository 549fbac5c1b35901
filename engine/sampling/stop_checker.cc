#include "engine/sampling/stop_checker.h"

#include <algorithm>
#include <utility>

namespace quire::engine {

StopChecker::StopChecker(std::vector<std::string> stop_strings)
    : stop_strings_(std::move(stop_strings)) {}

std::string StopChecker::Push(std::string_view piece) {
  if (!match_.empty()) return {};
  pending_ += piece;
  std::size_t match_end = std::string::npos;
  for (const std::string& stop : stop_strings_) {
    const std::size_t found = pending_.find(stop);
    if (found == std::string::npos) continue;
    const std::size_t end = found + stop.size();
    if (end < match_end || (end == match_end && stop.size() > match_.size())) {
      match_end = end;
      match_ = stop;
    }
  }
  const std::size_t safe =
      match_.empty() ? pending_.size() - HeldBack() : match_end - match_.size();
  std::string text = pending_.substr(0, safe);
  pending_.erase(0, match_.empty() ? safe : pending_.size());
  return text;
}

std::string StopChecker::Finish() { return std::exchange(pending_, {}); }

std::size_t StopChecker::HeldBack() const {
  std::size_t held = 0;
  for (const std::string& stop : stop_strings_) {
    for (std::size_t size = std::min(stop.size() - 1, pending_.size()); size > held; --size) {
      if (std::string_view(pending_).ends_with(std::string_view(stop).substr(0, size))) held = size;
    }
  }
  return held;
}

}  // namespace quire::engine
