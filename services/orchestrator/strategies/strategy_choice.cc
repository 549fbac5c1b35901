#include "services/orchestrator/strategies/strategy_choice.h"

#include <utility>

#include "services/orchestrator/strategies/document_loader.h"
#include "services/orchestrator/strategies/map_reduce_strategy.h"
#include "services/orchestrator/strategies/rag_strategy.h"
#include "services/orchestrator/strategies/refine_strategy.h"
#include "services/orchestrator/strategies/stuff_strategy.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

StatusOr<PreparedStrategy> Prepare(PreparedStrategy prepared) {
  QUIRE_ASSIGN_OR_RETURN(prepared.plan, prepared.strategy->Prepare());
  return prepared;
}

StatusOr<PreparedStrategy> PrepareRag(const StrategyContext& context) {
  if (!context.task.inline_documents.empty() || context.task.collection.empty()) {
    return InvalidField("strategy",
                        "STRATEGY_RAG searches a collection, inline documents are in none: upload "
                        "them to one, or use STRATEGY_MAP_REDUCE or STRATEGY_REFINE");
  }
  return Prepare(
      {.documents = nullptr, .strategy = std::make_unique<RagStrategy>(context), .plan = {}});
}

}  // namespace

StatusOr<PreparedStrategy> PrepareStrategy(const StrategyContext& context) {
  const AnswerTask& task = context.task;
  if (task.strategy == orchestrator::v1::STRATEGY_RAG) return PrepareRag(context);
  const bool is_auto = task.strategy == orchestrator::v1::STRATEGY_AUTO;
  const bool may_search = is_auto && task.is_question && task.inline_documents.empty();
  QUIRE_ASSIGN_OR_RETURN(const DocumentList list, ListSources(task, context.retriever));
  if (may_search && list.text_bytes > kMaxBytesPerToken * context.max_prompt_tokens) {
    return PrepareRag(context);
  }
  PreparedStrategy prepared;
  QUIRE_ASSIGN_OR_RETURN(std::vector<SourceDocument> documents,
                         LoadSources(task, list, context.retriever));
  prepared.documents = std::make_unique<std::vector<SourceDocument>>(std::move(documents));
  if (is_auto) {
    QUIRE_ASSIGN_OR_RETURN(auto stuff,
                           StuffStrategy::PrepareIfItFits(context, *prepared.documents));
    if (stuff != nullptr) {
      prepared.plan = stuff->plan();
      prepared.strategy = std::move(stuff);
      return prepared;
    }
    if (may_search) return PrepareRag(context);
  }
  switch (task.strategy) {
    case orchestrator::v1::STRATEGY_STUFF:
      prepared.strategy = std::make_unique<StuffStrategy>(context, *prepared.documents);
      break;
    case orchestrator::v1::STRATEGY_REFINE:
      prepared.strategy = std::make_unique<RefineStrategy>(context, *prepared.documents);
      break;
    default:
      prepared.strategy = std::make_unique<MapReduceStrategy>(context, *prepared.documents);
  }
  return Prepare(std::move(prepared));
}

}  // namespace quire::services
