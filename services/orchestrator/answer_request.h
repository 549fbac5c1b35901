#pragma once

#include "base/status.h"
#include "quire/orchestrator/v1/orchestrator.pb.h"
#include "services/orchestrator/strategies/answer_task.h"

namespace quire::services {

// Checks a request as orchestrator.proto says and fills in its defaults. Returns INVALID_ARGUMENT
// with a violation for each field that is wrong.
StatusOr<AnswerTask> ToTask(const orchestrator::v1::AskRequest& request);
StatusOr<AnswerTask> ToTask(const orchestrator::v1::SummarizeRequest& request);

}  // namespace quire::services
