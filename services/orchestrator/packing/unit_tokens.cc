#include "services/orchestrator/packing/unit_tokens.h"

#include <algorithm>
#include <string>

namespace quire::services {
namespace {

// Bounds the copy of the texts, which are the whole document.
constexpr std::size_t kUnitsPerCall = 8192;

}  // namespace

StatusOr<std::vector<std::int32_t>> CountUnitTokens(LanguageModel& model,
                                                    std::span<const SourceDocument> documents,
                                                    std::span<const TextUnit> units) {
  std::vector<std::int32_t> tokens;
  tokens.reserve(units.size());
  while (!units.empty()) {
    const auto batch = units.first(std::min(kUnitsPerCall, units.size()));
    units = units.subspan(batch.size());
    std::vector<std::string> texts;
    texts.reserve(batch.size());
    for (const TextUnit& unit : batch) {
      texts.push_back(
          documents[unit.range.document].text.substr(unit.range.start, unit.range.size_bytes()));
    }
    QUIRE_ASSIGN_OR_RETURN(const std::vector<std::int32_t> counts, model.CountTokens(texts));
    tokens.insert(tokens.end(), counts.begin(), counts.end());
  }
  return tokens;
}

}  // namespace quire::services
