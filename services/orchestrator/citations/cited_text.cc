#include "services/orchestrator/citations/cited_text.h"

#include <algorithm>
#include <tuple>

#include "services/orchestrator/citations/marker.h"

namespace quire::services {
namespace {

auto Place(const Passage& passage) {
  return std::tie(passage.document, passage.version, passage.start, passage.end);
}

}  // namespace

int SourceNumbers::Add(const Passage& source) {
  const auto found = std::ranges::find_if(
      sources_, [&](const Passage& other) { return Place(other) == Place(source); });
  const auto number = static_cast<int>(found - sources_.begin()) + 1;
  if (found == sources_.end()) sources_.push_back(source);
  return number;
}

CitedText KeepNamedSources(const CitedText& cited) {
  SourceNumbers numbers;
  CitedText kept;
  kept.text = Renumber(cited, numbers);
  kept.sources = numbers.sources();
  kept.truncated = cited.truncated;
  return kept;
}

std::string Renumber(const CitedText& cited, SourceNumbers& numbers) {
  return RewriteMarkers(cited.text, [&](int number) -> std::optional<int> {
    if (number > static_cast<int>(cited.sources.size())) return std::nullopt;
    return numbers.Add(cited.sources[static_cast<std::size_t>(number) - 1]);
  });
}

}  // namespace quire::services
