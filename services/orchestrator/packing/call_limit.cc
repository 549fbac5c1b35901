#include "services/orchestrator/packing/call_limit.h"

#include <string>

#include "services/server/error_details.h"

namespace quire::services {

Status TooManyCalls(std::int32_t planned_calls, std::int32_t max_calls) {
  return WithErrorInfo(
      ResourceExhausted(
          "options.max_calls: wanted at most {} model calls, have a plan of {} or more", max_calls,
          planned_calls),
      kTooManyCalls,
      {{"planned_calls", std::to_string(planned_calls)}, {"max_calls", std::to_string(max_calls)}});
}

}  // namespace quire::services
