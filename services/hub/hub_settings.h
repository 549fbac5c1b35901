#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/status.h"

namespace quire::services::hub {

// The variable of the environment, or nothing.
using Environment = std::function<std::optional<std::string>(const char* name)>;

// Of this process.
std::optional<std::string> ProcessEnvironment(const char* name);

// Where a hub is, who asks, and where downloads are kept, from the variables that huggingface_hub
// reads.
struct HubSettings {
  std::string endpoint;   // HF_ENDPOINT, without a slash at the end
  std::string token;      // HF_TOKEN, else what the file HF_HOME/token holds; may be empty
  std::string cache_dir;  // HF_HUB_CACHE, else HF_HOME/hub
  bool offline = false;   // HF_HUB_OFFLINE: nothing is asked or downloaded
};

// HF_HOME is $XDG_CACHE_HOME/huggingface or ~/.cache/huggingface by default. Returns
// INVALID_ARGUMENT for an endpoint that is no http(s) URL, a token that cannot be in a header, and
// where there is no home to derive the cache from.
StatusOr<HubSettings> ReadHubSettings(const Environment& environment);

}  // namespace quire::services::hub
