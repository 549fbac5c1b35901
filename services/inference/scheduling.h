#pragma once

#include <string>

#include "engine/scheduler/request.h"
#include "quire/inference/v1/inference.pb.h"
#include "services/inference/call.h"

namespace quire::services {

// `client_id` of a request, or the caller's address where it names none.
const std::string& ClientOf(const InferenceCall& call, const std::string& client_id);

// Whose share a request takes. Requires: `options` are valid.
engine::SchedulingParams ToEngine(const InferenceCall& call,
                                  const inference::v1::SchedulingOptions& options);

}  // namespace quire::services
