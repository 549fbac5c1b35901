#include "services/server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tests/support/test_files.h"

namespace quire::services {
namespace {

void WriteFile(const std::filesystem::path& path, const std::string& text) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

// A program with options of its own and a subcommand, in an empty folder and with an empty home.
class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() : original_path_(std::filesystem::current_path()) {
    std::filesystem::current_path(directory_.path());
    setenv("HOME", directory_.path().c_str(), 1);
    unsetenv("XDG_CONFIG_HOME");
  }
  ~ConfigTest() override {
    std::filesystem::current_path(original_path_);
    for (const char* name :
         {"QUIRE_PORT", "QUIRE_KV_CACHE_BYTES", "QUIRE_MODEL", "QUIRE_VERBOSE"}) {
      unsetenv(name);
    }
  }

  // Parses `arguments` as a fresh program would. Throws what CLI11 throws.
  void Parse(const std::string& arguments) {
    app_ = std::make_unique<CLI::App>("Test program", "quire-test");
    port_ = 1;
    kv_cache_bytes_ = 2;
    model_ = "none";
    verbose_ = false;
    app_->add_option("--port", port_)->capture_default_str();
    app_->add_option("--kv-cache-bytes", kv_cache_bytes_)->capture_default_str();
    app_->add_flag("--verbose", verbose_);
    for (const char* name : {"serve", "ask"}) {
      app_->add_subcommand(name, "")->add_option("--model", model_)->capture_default_str();
    }
    EnableConfiguration(*app_);
    app_->parse(arguments);
  }

  // What the user sees when parsing fails.
  std::string ParseError(const std::string& arguments) {
    try {
      Parse(arguments);
    } catch (const CLI::Error& error) {
      return error.what();
    }
    return "no error";
  }

  std::string OriginOf(const CLI::App& app, const std::string& option) {
    for (const OptionOrigin& origin : Origins(app)) {
      if (origin.option == option) return origin.value + " from " + origin.origin;
    }
    return "absent";
  }

  void WriteProjectFile(const std::string& yaml) { WriteFile("quire.yaml", yaml); }
  void WriteUserFile(const std::string& yaml) {
    WriteFile(directory_.path() / ".config/quire/config.yaml", yaml);
  }

  const std::filesystem::path original_path_;
  quire::testing::TemporaryDirectory directory_;
  std::unique_ptr<CLI::App> app_;
  int port_ = 0;
  int kv_cache_bytes_ = 0;
  std::string model_;
  bool verbose_ = false;
};

TEST_F(ConfigTest, EachSourceGivesWayToTheNextHigher) {
  Parse("");
  EXPECT_EQ(port_, 1);
  WriteUserFile("port: 10\n");
  Parse("");
  EXPECT_EQ(port_, 10);
  WriteProjectFile("port: 20\n");
  Parse("");
  EXPECT_EQ(port_, 20);
  WriteFile("other.yaml", "port: 25\n");
  Parse("--config other.yaml");
  EXPECT_EQ(port_, 25);
  setenv("QUIRE_PORT", "30", 1);
  Parse("--config other.yaml");
  EXPECT_EQ(port_, 30);
  Parse("--port 40 --config other.yaml");
  EXPECT_EQ(port_, 40);
}

TEST_F(ConfigTest, UserFileFillsWhatTheProjectFileLeavesOut) {
  WriteUserFile("port: 10\nkv_cache_bytes: 11\n");
  WriteProjectFile("port: 20\n");
  Parse("");
  EXPECT_EQ(port_, 20);
  EXPECT_EQ(kv_cache_bytes_, 11);
}

TEST_F(ConfigTest, KeysTakeDashesAndUnderscoresAndFlagsTakeTruthValues) {
  WriteProjectFile("kv-cache-bytes: 3\nverbose: true\n");
  Parse("");
  EXPECT_EQ(kv_cache_bytes_, 3);
  EXPECT_TRUE(verbose_);
  WriteProjectFile("kv_cache_bytes: 4\nverbose: false\n");
  Parse("");
  EXPECT_EQ(kv_cache_bytes_, 4);
  EXPECT_FALSE(verbose_);
}

TEST_F(ConfigTest, DeeperSectionsWin) {
  WriteProjectFile("model: top\n");
  Parse("serve");
  EXPECT_EQ(model_, "top");
  WriteProjectFile("model: top\nquire-test:\n  model: program\n");
  Parse("serve");
  EXPECT_EQ(model_, "program");
  WriteProjectFile("model: top\nquire-test:\n  model: program\nserve:\n  model: command\n");
  Parse("serve");
  EXPECT_EQ(model_, "command");
  Parse("ask");
  EXPECT_EQ(model_, "program");
}

TEST_F(ConfigTest, SubcommandsThatWereNotChosenLeaveSharedVariablesAlone) {
  setenv("QUIRE_MODEL", "environment", 1);
  WriteProjectFile("ask:\n  model: file\n");
  Parse("serve --model flag");
  EXPECT_EQ(model_, "flag");
  unsetenv("QUIRE_MODEL");
  Parse("serve --model flag");
  EXPECT_EQ(model_, "flag");
}

TEST_F(ConfigTest, SectionsOfOtherProgramsAreLeftAlone) {
  WriteProjectFile("quire-inference:\n  block-size: 16\nquire-test:\n  port: 7\n");
  Parse("");
  EXPECT_EQ(port_, 7);
}

TEST_F(ConfigTest, UnknownKeysAreErrorsNamingFileLineAndKey) {
  WriteProjectFile("port: 1\nprot: 2\n");
  EXPECT_THAT(ParseError(""), ::testing::HasSubstr("./quire.yaml:2: unknown key 'prot'"));
  WriteProjectFile("serve:\n  modl: x\n");
  EXPECT_THAT(ParseError(""), ::testing::HasSubstr("./quire.yaml:2: unknown key 'modl'"));
  WriteProjectFile("sevre:\n  model: x\n");
  EXPECT_THAT(ParseError(""), ::testing::HasSubstr("./quire.yaml:1: unknown key 'sevre'"));
}

TEST_F(ConfigTest, MissingOrMalformedConfigFileIsAnError) {
  EXPECT_THAT(ParseError("--config absent.yaml"), ::testing::HasSubstr("absent.yaml"));
  WriteProjectFile("port: [1,\n");
  EXPECT_THAT(ParseError(""), ::testing::HasSubstr("./quire.yaml:"));
}

TEST_F(ConfigTest, OriginsNameTheSource) {
  WriteProjectFile("kv_cache_bytes: 5\nserve:\n  model: m\n");
  setenv("QUIRE_PORT", "30", 1);
  Parse("");
  EXPECT_EQ(OriginOf(*app_, "--port"), "30 from environment QUIRE_PORT");
  EXPECT_EQ(OriginOf(*app_, "--kv-cache-bytes"), "5 from ./quire.yaml");
  EXPECT_EQ(OriginOf(*app_->get_subcommand("serve"), "--model"), "m from ./quire.yaml");
  EXPECT_EQ(OriginOf(*app_->get_subcommand("ask"), "--model"), "none from default");
  Parse("--port 40 --kv-cache-bytes 6");
  EXPECT_EQ(OriginOf(*app_, "--port"), "40 from flag");
  EXPECT_EQ(OriginOf(*app_, "--kv-cache-bytes"), "6 from flag");
}

TEST_F(ConfigTest, ServerOptionsAreReadAndChecked) {
  const auto parse = [](const std::string& arguments) {
    CLI::App app("Test program", "quire-test");
    ServerOptions options;
    AddServerOptions(app, options);
    app.parse(arguments);
    return options;
  };
  const ServerOptions options =
      parse("--host ::1 --port 5 --admin-port 6 --drain-timeout 7 --max-threads 8");
  EXPECT_EQ(options.host, "::1");
  EXPECT_EQ(options.port, 5);
  EXPECT_EQ(options.admin_port, 6);
  EXPECT_EQ(options.drain_timeout, std::chrono::seconds(7));
  EXPECT_EQ(options.max_threads, 8);
  EXPECT_THROW(parse("--port 70000"), CLI::ValidationError);
  EXPECT_THROW(parse("--max-threads 0"), CLI::ValidationError);
}

}  // namespace
}  // namespace quire::services
