#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/orchestrator/retriever.h"

namespace quire::services {

// The sources of one prompt in the order of their numbers, from 1.
class SourceNumbers {
 public:
  SourceNumbers() = default;
  explicit SourceNumbers(std::vector<Passage> sources) : sources_(std::move(sources)) {}

  // The number of `source`; added at the end unless the same byte range is there already.
  int Add(const Passage& source);

  const std::vector<Passage>& sources() const { return sources_; }

 private:
  std::vector<Passage> sources_;
};

// Text in which the marker "[n]" names sources[n - 1]. Markers of other numbers do not occur.
struct CitedText {
  std::string text;
  std::vector<Passage> sources;
  bool truncated = false;  // the model's output ended at its limit
};

// `cited` with those sources only that its markers name, numbered in order of appearance.
CitedText KeepNamedSources(const CitedText& cited);

// The text of `cited` with the numbers that its sources have in `numbers`, where they are added.
std::string Renumber(const CitedText& cited, SourceNumbers& numbers);

}  // namespace quire::services
