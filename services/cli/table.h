#pragma once

#include <string>
#include <vector>

#include "services/cli/terminal.h"

namespace quire::services::cli {

// Rows of a list. On a terminal: headings and aligned columns; else one row a line, columns
// separated by tabs, the name first.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

  // As many cells as headings.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string Format(const Terminal& terminal) const;

 private:
  const std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

// "1.2 GB"
std::string FormatBytes(std::int64_t bytes);

}  // namespace quire::services::cli
