#include "services/cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace quire::services::cli {
namespace {

constexpr std::chrono::milliseconds kDrawInterval{100};
constexpr int kBarColumns = 24;

std::string Bar(std::int64_t done, std::int64_t total) {
  const auto filled = static_cast<std::size_t>(kBarColumns * std::min(done, total) / total);
  std::string bar(filled, '=');
  if (filled < kBarColumns) bar += '>';
  bar.resize(kBarColumns, ' ');
  return "[" + bar + "]";
}

std::string MinutesAndSeconds(std::chrono::milliseconds time) {
  const auto seconds = (time.count() + 999) / 1000;
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

}  // namespace

std::string FormatProgress(std::string_view stage, std::int64_t done, std::int64_t total,
                           std::chrono::milliseconds elapsed, int columns) {
  std::string line = total > 0  ? fmt::format("{} {}/{} {}", stage, done, total, Bar(done, total))
                     : done > 0 ? fmt::format("{} {}", stage, done)
                                : std::string(stage);
  if (done > 0 && done < total) {
    line += " ETA " + MinutesAndSeconds(elapsed * (total - done) / done);
  }
  return line.substr(0, static_cast<std::size_t>(std::max(columns - 1, 0)));
}

void ProgressLine::Update(std::string_view stage, std::int64_t done, std::int64_t total) {
  if (!enabled_) return;
  const Clock::time_point now = Clock::now();
  const bool stage_changed = stage != stage_;
  if (stage_changed) {
    stage_ = stage;
    stage_start_ = now;
  }
  if (!stage_changed && done < total && now - last_draw_ < kDrawInterval) return;
  last_draw_ = now;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - stage_start_);
  const std::string line = FormatProgress(stage, done, total, elapsed, columns_);
  fmt::print(stderr, "\r\x1b[K{}", line);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::Clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace quire::services::cli
