#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "services/orchestrator/retriever.h"

namespace quire::services {

// At most `count` passages spread evenly over the documents: each document has about the share of
// its length, and at least one while there are enough for all. Ordered so that the first n are
// spread as well, for every n. Reads one text at a time.
StatusOr<std::vector<Passage>> SamplePassages(std::span<const StoredDocument> documents,
                                              std::int32_t count, Retriever& retriever);

// 0 to count - 1, ordered so that every start of the order is spread over the whole: bit-reversed
// (van der Corput).
std::vector<std::size_t> SpreadOrder(std::size_t count);

}  // namespace quire::services
