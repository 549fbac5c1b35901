#include "services/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "services/cli/completion.h"

namespace quire::services::cli {
namespace {

using ::testing::HasSubstr;

std::string Selected(std::vector<std::string> arguments) {
  CommandLine command_line;
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  command_line.app().parse(arguments);
  return command_line.selected().app().get_name();
}

TEST(CommandLineTest, FindsTheCommandThatWasGiven) {
  EXPECT_EQ(Selected({"tokenize", "--model", "m"}), "tokenize");
  EXPECT_EQ(Selected({"docs", "ls", "--collection", "c"}), "ls");
  EXPECT_EQ(Selected({"--server", "localhost:1", "collection", "show", "c"}), "show");
}

TEST(CommandLineTest, GlobalOptionsMayFollowTheCommand) {
  CommandLine command_line;
  command_line.app().parse("collection ls --server localhost:1 --timeout 1500ms");
  EXPECT_EQ(command_line.options().server, "localhost:1");
  EXPECT_DOUBLE_EQ(command_line.options().timeout_seconds, 1.5);
}

TEST(CommandLineTest, DurationsHaveUnits) {
  EXPECT_DOUBLE_EQ(*ParseDuration("500ms"), 0.5);
  EXPECT_DOUBLE_EQ(*ParseDuration("30"), 30);
  EXPECT_DOUBLE_EQ(*ParseDuration("1.5m"), 90);
  EXPECT_DOUBLE_EQ(*ParseDuration("2h"), 7200);
  for (const char* text : {"", "s", "-1s", "5x", "nan", "inf", "1e999s", "5 s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
  EXPECT_THROW(Selected({"doctor", "--timeout", "soon"}), CLI::ParseError);
}

TEST(CommandLineTest, ArgumentsThatAreCommandNamesStayArguments) {
  EXPECT_EQ(Selected({"ask", "serve", "--collection", "docs"}), "ask");
  EXPECT_EQ(Selected({"search", "--collection", "c", "models"}), "search");
}

TEST(CommandLineTest, RefusesWhatIsNotOffered) {
  EXPECT_THROW(Selected({}), CLI::ParseError);
  EXPECT_THROW(Selected({"docs"}), CLI::ParseError);
  EXPECT_THROW(Selected({"perplexity"}), CLI::ParseError);
  EXPECT_THROW(Selected({"generate", "--quantize", "int5"}), CLI::ParseError);
  EXPECT_THROW(Selected({"ask", "q", "--strategy", "tree"}), CLI::ParseError);
  EXPECT_THROW(Selected({"generate", "--prompt", "a", "--prompt-ids", "1"}), CLI::ParseError);
}

void ForEachApp(const CLI::App& app, const std::function<void(const CLI::App&)>& visit) {
  visit(app);
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    ForEachApp(*subcommand, visit);
  }
}

TEST(CommandLineTest, EveryCommandHasAnExample) {
  CommandLine command_line;
  int num_commands = 0;
  ForEachApp(command_line.app(), [&](const CLI::App& app) {
    ++num_commands;
    EXPECT_THAT(app.help(), HasSubstr("Example:\n  ")) << app.get_name();
    EXPECT_THAT(app.get_footer(), HasSubstr("quire ")) << app.get_name();
  });
  EXPECT_GT(num_commands, 25);
}

TEST(CompletionTest, CoversCommandsOptionsAndChoices) {
  CommandLine command_line;
  for (const std::string& script :
       {BashCompletion(command_line.app()), ZshCompletion(command_line.app())}) {
    EXPECT_THAT(script, HasSubstr("'quire docs add'"));
    EXPECT_THAT(script, HasSubstr("commands=\"add ls show text rm\""));
    EXPECT_THAT(script, HasSubstr("--embedding-model"));
    EXPECT_THAT(script, HasSubstr("values=\"auto stuff map-reduce refine rag\""));
    EXPECT_THAT(script, HasSubstr("values=\"auto always never\""));
    EXPECT_THAT(script, HasSubstr("quire collection ls"));
  }
  const std::string fish = FishCompletion(command_line.app());
  EXPECT_THAT(fish, HasSubstr("-n '__quire_at \"quire docs\"' -f -a add"));
  EXPECT_THAT(fish, HasSubstr("-l strategy"));
}

}  // namespace
}  // namespace quire::services::cli
