#include "services/orchestrator/citations/citations.h"

#include <algorithm>
#include <map>

#include "services/orchestrator/citations/marker.h"

namespace quire::services {

std::vector<SourceCitation> CitationsOf(const CitedText& answer, std::size_t max_unnamed) {
  std::map<int, std::vector<std::int64_t>> offsets;
  for (const Marker& marker : FindMarkers(answer.text, static_cast<int>(answer.sources.size()))) {
    offsets[marker.number].push_back(static_cast<std::int64_t>(marker.offset));
  }
  if (offsets.empty()) {
    const std::size_t count = std::min(answer.sources.size(), max_unnamed);
    for (std::size_t i = 0; i < count; ++i) offsets[static_cast<int>(i) + 1] = {};
  }
  std::vector<SourceCitation> citations;
  for (auto& [number, markers] : offsets) {
    citations.push_back({.number = number,
                         .marker_offsets = std::move(markers),
                         .source = answer.sources[static_cast<std::size_t>(number) - 1]});
  }
  return citations;
}

}  // namespace quire::services
