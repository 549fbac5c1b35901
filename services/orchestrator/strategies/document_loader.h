#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "services/orchestrator/packing/source_document.h"
#include "services/orchestrator/retriever.h"
#include "services/orchestrator/strategies/answer_task.h"

namespace quire::services {

// Most text that a strategy which reads whole documents takes.
inline constexpr std::int64_t kMaxTextBytes = std::int64_t{64} << 20;

// What is to be read, before any text is.
struct DocumentList {
  std::vector<StoredDocument> stored;
  std::int64_t text_bytes = 0;  // stored and inline documents together
};

// The documents of the task. Requires a retriever if the task names a collection. Returns
// INVALID_ARGUMENT if there is no document.
StatusOr<DocumentList> ListSources(const AnswerTask& task, Retriever* retriever);

// Their texts: the collection's documents first, then the inline ones. Returns INVALID_ARGUMENT if
// they have more than kMaxTextBytes or white space alone.
StatusOr<std::vector<SourceDocument>> LoadSources(const AnswerTask& task, const DocumentList& list,
                                                  Retriever* retriever);

}  // namespace quire::services
