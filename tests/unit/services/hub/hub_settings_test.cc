#include "services/hub/hub_settings.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::services::hub {
namespace {

using quire::testing::FailsWith;
using quire::testing::IsOk;

StatusOr<HubSettings> Read(const std::map<std::string, std::string>& variables) {
  return ReadHubSettings([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

TEST(HubSettingsTest, DefaultsAreThoseOfHuggingFaceHub) {
  const auto settings = Read({{"HOME", "/h"}});
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->endpoint, "https://huggingface.co");
  EXPECT_EQ(settings->cache_dir, "/h/.cache/huggingface/hub");
  EXPECT_EQ(settings->token, "");
  EXPECT_FALSE(settings->offline);
}

TEST(HubSettingsTest, TheNarrowerVariableWins) {
  EXPECT_EQ(Read({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}})->cache_dir, "/x/huggingface/hub");
  EXPECT_EQ(Read({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/f"}})->cache_dir,
            "/f/hub");
  EXPECT_EQ(Read({{"HOME", "/h"}, {"HF_HOME", "~/f"}})->cache_dir, "/h/f/hub");
  EXPECT_EQ(Read({{"HF_HOME", "/f"}, {"HF_HUB_CACHE", "/c"}})->cache_dir, "/c");
  EXPECT_EQ(Read({{"HF_HUB_CACHE", "/c"}})->cache_dir, "/c");
}

TEST(HubSettingsTest, FlagsAreReadAsHuggingFaceHubDoes) {
  for (const char* value : {"1", "on", "YES", "True"}) {
    EXPECT_TRUE(Read({{"HOME", "/h"}, {"HF_HUB_OFFLINE", value}})->offline) << value;
  }
  for (const char* value : {"", "0", "off", "2"}) {
    EXPECT_FALSE(Read({{"HOME", "/h"}, {"HF_HUB_OFFLINE", value}})->offline) << value;
  }
}

TEST(HubSettingsTest, TheTokenComesFromTheEnvironmentOrItsFile) {
  const quire::testing::TemporaryDirectory home;
  std::ofstream(home.path() / "token") << "hf_file\n";
  const std::string path = home.path().string();
  EXPECT_EQ(Read({{"HF_HOME", path}})->token, "hf_file");
  EXPECT_EQ(Read({{"HF_HOME", path}, {"HF_TOKEN", " hf_env\n"}})->token, "hf_env");
  EXPECT_THAT(Read({{"HF_HOME", path}, {"HF_TOKEN", "a\nX-Header: b"}}),
              FailsWith(absl::StatusCode::kInvalidArgument, "HF_TOKEN"));
}

TEST(HubSettingsTest, BadEndpointsAreRefused) {
  EXPECT_EQ(Read({{"HOME", "/h"}, {"HF_ENDPOINT", "http://mirror:80/hub//"}})->endpoint,
            "http://mirror:80/hub");
  EXPECT_THAT(Read({{"HOME", "/h"}, {"HF_ENDPOINT", "file:///etc"}}),
              FailsWith(absl::StatusCode::kInvalidArgument, "HF_ENDPOINT"));
  EXPECT_THAT(Read({}), FailsWith(absl::StatusCode::kInvalidArgument, "HF_HOME"));
}

}  // namespace
}  // namespace quire::services::hub
