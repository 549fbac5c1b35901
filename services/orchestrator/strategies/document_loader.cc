#include "services/orchestrator/strategies/document_loader.h"

#include <algorithm>

#include "services/orchestrator/packing/ascii.h"
#include "services/server/error_details.h"

namespace quire::services {

StatusOr<DocumentList> ListSources(const AnswerTask& task, Retriever* retriever) {
  DocumentList list;
  if (!task.collection.empty()) {
    QUIRE_ASSIGN_OR_RETURN(list.stored, retriever->ListDocuments(task.collection, task.documents));
  }
  if (list.stored.empty() && task.inline_documents.empty()) {
    return InvalidField("sources.collection",
                        fmt::format("{} has no documents: upload some first", task.collection));
  }
  for (const StoredDocument& document : list.stored) list.text_bytes += document.text_bytes;
  for (const SourceDocument& document : task.inline_documents) {
    list.text_bytes += static_cast<std::int64_t>(document.text.size());
  }
  return list;
}

StatusOr<std::vector<SourceDocument>> LoadSources(const AnswerTask& task, const DocumentList& list,
                                                  Retriever* retriever) {
  if (list.text_bytes > kMaxTextBytes) {
    return InvalidField(
        "sources", fmt::format("wanted at most {} bytes of text, have {}: name fewer documents, or "
                               "use STRATEGY_RAG",
                               kMaxTextBytes, list.text_bytes));
  }
  std::vector<SourceDocument> documents;
  for (const StoredDocument& stored : list.stored) {
    QUIRE_ASSIGN_OR_RETURN(std::string text, retriever->ReadText(stored));
    documents.push_back({.name = stored.name,
                         .title = stored.title,
                         .version = stored.version,
                         .text = std::move(text)});
  }
  documents.insert(documents.end(), task.inline_documents.begin(), task.inline_documents.end());
  const bool has_text = std::ranges::any_of(
      documents, [](const SourceDocument& document) { return !TrimAscii(document.text).empty(); });
  if (!has_text) return InvalidField("sources", "wanted text, have white space alone");
  return documents;
}

}  // namespace quire::services
