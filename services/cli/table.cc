#include "services/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quire::services::cli {
namespace {

constexpr std::size_t kGap = 2;

std::string Aligned(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] + kGap - cells[i].size(), ' ');
  }
  return line;
}

}  // namespace

std::string Table::Format(const Terminal& terminal) const {
  std::string text;
  if (!terminal.stdout_is_terminal) {
    for (const auto& row : rows_) text += fmt::format("{}\n", fmt::join(row, "\t"));
    return text;
  }
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < headings_.size(); ++i) {
    widths.push_back(headings_[i].size());
    for (const auto& row : rows_) widths[i] = std::max(widths[i], row[i].size());
  }
  text = Bold(Aligned(headings_, widths), terminal.color) + "\n";
  for (const auto& row : rows_) text += Aligned(row, widths) + "\n";
  return text;
}

std::string FormatBytes(std::int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace quire::services::cli
