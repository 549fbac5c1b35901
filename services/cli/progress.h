#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace quire::services::cli {

// "map 12/40 [=====>      ] ETA 0:13", at most `columns` wide. No estimate before the first item is
// done; `total` 0 means not known: the stage alone, with the count if there is one.
std::string FormatProgress(std::string_view stage, std::int64_t done, std::int64_t total,
                           std::chrono::milliseconds elapsed, int columns);

// One line on stderr, redrawn in place; nothing at all where stderr is no terminal.
//
// Thread-compatible. The destructor clears the line.
class ProgressLine {
 public:
  ProgressLine(bool enabled, int columns) : enabled_(enabled), columns_(columns) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Shows how far a stage is. Draws at most ten times a second, but for the first and the last
  // item of a stage.
  void Update(std::string_view stage, std::int64_t done, std::int64_t total);
  // Removes the line, so that other output can take its place.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;

  const bool enabled_;
  const int columns_;
  bool drawn_ = false;
  std::string stage_;
  Clock::time_point stage_start_;
  Clock::time_point last_draw_;
};

}  // namespace quire::services::cli
