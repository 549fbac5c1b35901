#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quire/orchestrator/v1/orchestrator.pb.h"
#include "services/orchestrator/packing/source_document.h"

namespace quire::services {

// One question or one summary, validated, with every default but those that depend on the model.
struct AnswerTask {
  bool is_question = true;
  std::string subject;  // the question, or the focus of the summary, which may be empty

  std::string collection;                        // "collections/{collection}"; empty: none
  std::vector<std::string> documents;            // of the collection; empty: all of them
  std::vector<SourceDocument> inline_documents;  // version 0

  orchestrator::v1::Strategy strategy = orchestrator::v1::STRATEGY_AUTO;
  std::int32_t top_k = 8;
  std::int32_t max_answer_tokens = 0;  // 0: 256 or an eighth of the context, what is less
  std::int32_t max_concurrent_calls = 8;
  std::int32_t max_calls = 10'000;
  float temperature = 0.0f;
  std::optional<std::uint64_t> seed;
};

}  // namespace quire::services
