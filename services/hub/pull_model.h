#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "services/hub/hub_client.h"

namespace quire::services::hub {

// HubClient::Pull of "hf:org/repo[@revision]" with the settings of this process. Errors as
// ParseModelReference, ReadHubSettings and HubClient::Pull.
StatusOr<std::string> PullModel(std::string_view spec, const OnProgress& on_progress);

// HubClient::FindLocal, likewise.
StatusOr<std::string> FindPulledModel(std::string_view spec);

}  // namespace quire::services::hub
