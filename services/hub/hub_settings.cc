#include "services/hub/hub_settings.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "base/mapped_file.h"

namespace quire::services::hub {
namespace {

constexpr const char* kDefaultEndpoint = "https://huggingface.co";
constexpr std::size_t kMaxTokenBytes = 4096;

std::string Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

// As huggingface_hub reads flags.
bool IsTrue(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  });
  constexpr std::array<std::string_view, 4> kTrue = {"1", "ON", "YES", "TRUE"};
  return std::find(kTrue.begin(), kTrue.end(), value) != kTrue.end();
}

// A variable that is set to something.
std::optional<std::string> NotEmpty(const Environment& environment, const char* name) {
  auto value = environment(name);
  if (!value || value->empty()) return std::nullopt;
  return value;
}

// "~/x" with the home directory in place of "~".
std::string ExpandHome(const std::string& path, const std::string& home) {
  return path == "~" || path.starts_with("~/") ? home + path.substr(1) : path;
}

StatusOr<std::string> HubHome(const Environment& environment) {
  const std::string home = environment("HOME").value_or("");
  if (const auto hub_home = NotEmpty(environment, "HF_HOME")) return ExpandHome(*hub_home, home);
  if (const auto cache = NotEmpty(environment, "XDG_CACHE_HOME")) return *cache + "/huggingface";
  if (home.empty()) {
    return InvalidArgument("cache of models: wanted HOME, HF_HOME or HF_HUB_CACHE, have none");
  }
  return home + "/.cache/huggingface";
}

StatusOr<std::string> ReadToken(const Environment& environment) {
  std::string token = Trimmed(environment("HF_TOKEN").value_or(""));
  if (token.empty()) {
    const auto hub_home = HubHome(environment);
    const auto path = NotEmpty(environment, "HF_TOKEN_PATH");
    if (!path && !hub_home.ok()) return std::string();
    const auto file = ReadFile(path ? *path : *hub_home + "/token", kMaxTokenBytes);
    if (!file.ok()) return std::string();
    token = Trimmed(*file);
  }
  const bool is_clean =
      token.size() <= kMaxTokenBytes &&
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!is_clean) return InvalidArgument("HF_TOKEN: wanted printable characters without spaces");
  return token;
}

StatusOr<std::string> ReadEndpoint(const Environment& environment) {
  std::string endpoint = NotEmpty(environment, "HF_ENDPOINT").value_or(kDefaultEndpoint);
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (!endpoint.starts_with("https://") && !endpoint.starts_with("http://")) {
    return InvalidArgument("HF_ENDPOINT: wanted an http:// or https:// URL, have \"{}\"", endpoint);
  }
  return endpoint;
}

}  // namespace

std::optional<std::string> ProcessEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

StatusOr<HubSettings> ReadHubSettings(const Environment& environment) {
  HubSettings settings;
  QUIRE_ASSIGN_OR_RETURN(settings.endpoint, ReadEndpoint(environment));
  QUIRE_ASSIGN_OR_RETURN(settings.token, ReadToken(environment));
  settings.offline = IsTrue(environment("HF_HUB_OFFLINE").value_or(""));
  if (const auto cache = NotEmpty(environment, "HF_HUB_CACHE")) {
    settings.cache_dir = ExpandHome(*cache, environment("HOME").value_or(""));
  } else {
    QUIRE_ASSIGN_OR_RETURN(const std::string hub_home, HubHome(environment));
    settings.cache_dir = hub_home + "/hub";
  }
  return settings;
}

}  // namespace quire::services::hub
