#pragma once

#include <cstdint>

#include "base/status.h"

namespace quire::services {

// RESOURCE_EXHAUSTED with ErrorInfo TOO_MANY_CALLS {planned_calls, max_calls}: the task would take
// `planned_calls` model calls, or more if counting stopped there.
Status TooManyCalls(std::int32_t planned_calls, std::int32_t max_calls);

}  // namespace quire::services
