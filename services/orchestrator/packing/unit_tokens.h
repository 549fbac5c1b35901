#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "services/orchestrator/language_model.h"
#include "services/orchestrator/packing/source_document.h"
#include "services/orchestrator/packing/text_units.h"

namespace quire::services {

// Tokens of each unit alone, in order.
StatusOr<std::vector<std::int32_t>> CountUnitTokens(LanguageModel& model,
                                                    std::span<const SourceDocument> documents,
                                                    std::span<const TextUnit> units);

}  // namespace quire::services
