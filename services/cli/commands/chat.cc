#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/sampling_options.h"
#include "services/cli/session.h"
#include "services/inference/inference_server.h"

namespace quire::services::cli {
namespace {

using inference::v1::ChatRequest;
using inference::v1::InferenceService;
using inference::v1::StreamChatResponse;

constexpr char kPrompt[] = ">>> ";
constexpr char kContinuedPrompt[] = "... ";
constexpr char kMultilineMark[] = "\"\"\"";
constexpr char kInterruptHint[] = "\n(/exit or Ctrl-D ends the conversation)\n>>> ";
constexpr char kHelp[] =
    "/exit          end the conversation (or Ctrl-D)\n"
    "/clear         forget what was said\n"
    "/system TEXT   set the system message\n"
    "/save FILE     write the conversation to a file\n"
    "\"\"\"            start and end a message of several lines\n"
    "Ctrl-C         stop the answer that is coming\n";

class ChatCommand final : public Command {
 public:
  explicit ChatCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  // The next message, or nothing at the end of the input.
  std::optional<std::string> ReadMessage(Session& session) const;
  // Runs "/NAME ARGUMENT". Returns false if the conversation is over.
  bool RunSlashCommand(const std::string& line);
  void Save(const std::string& path) const;
  void Clear();
  // Adds `text` and the model's answer to the conversation.
  Status Answer(Session& session, InferenceService::Stub& stub, const std::string& text);

  ModelOptions model_;
  SamplingOptions sampling_;
  std::string system_;
  bool statistics_ = false;
  ChatRequest conversation_;
};

ChatCommand::ChatCommand(CLI::App& parent)
    : Command(parent, {.name = "chat",
                       .summary = "Talk to a model on the terminal",
                       .group = kModelCommands,
                       .examples = "  quire chat --model ./llama\n"
                                   "  quire chat --model ./llama --system 'Answer in German.'"}) {
  AddModelOption(app(), model_);
  app().add_option("--system", system_, "System message")->type_name("TEXT");
  AddSamplingOptions(app(), sampling_);
  AddDeviceOptions(app(), model_);
  AddQuantizeOption(app(), model_.quantize);
  AddCacheOptions(app(), model_);
  app().add_flag("--stats", statistics_, "Print counts and speed after each answer");
}

std::optional<std::string> ChatCommand::ReadMessage(Session& session) const {
  const bool prompted = session.terminal().stdin_is_terminal;
  const Interrupts::PromptScope scope(session.interrupts(), prompted ? kInterruptHint : nullptr);
  if (prompted) fmt::print(stderr, kPrompt);
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  if (!line.starts_with(kMultilineMark)) return line;
  std::string message = line.substr(sizeof(kMultilineMark) - 1);
  while (!message.ends_with(kMultilineMark)) {
    if (prompted) fmt::print(stderr, kContinuedPrompt);
    if (!std::getline(std::cin, line)) return message;
    message += "\n" + line;
  }
  message.resize(message.size() - (sizeof(kMultilineMark) - 1));
  return message;
}

void ChatCommand::Clear() {
  conversation_.clear_messages();
  if (system_.empty()) return;
  auto* message = conversation_.add_messages();
  message->set_role("system");
  message->set_content(system_);
}

void ChatCommand::Save(const std::string& path) const {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    fmt::print(stderr, "quire: {}: cannot be written\n", path);
    return;
  }
  for (const auto& message : conversation_.messages()) {
    fmt::print(file, "{}:\n{}\n\n", message.role(), message.content());
  }
  std::fclose(file);
}

bool ChatCommand::RunSlashCommand(const std::string& line) {
  const std::size_t space = line.find(' ');
  const std::string name = line.substr(0, space);
  const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
  if (name == "/exit") return false;
  if (name == "/clear") {
    Clear();
  } else if (name == "/system") {
    system_ = argument;
    Clear();
  } else if (name == "/save" && !argument.empty()) {
    Save(argument);
  } else {
    fmt::print(stderr, "{}", kHelp);
  }
  return true;
}

Status ChatCommand::Answer(Session& session, InferenceService::Stub& stub,
                           const std::string& text) {
  auto* question = conversation_.add_messages();
  question->set_role("user");
  question->set_content(text);
  Call call(session);
  const auto reader = stub.StreamChat(call.context(), conversation_);
  StreamChatResponse event;
  std::string answer;
  inference::v1::Usage usage;
  while (reader->Read(&event)) {
    answer += event.delta().text();
    Print(event.delta().text());
    if (event.has_usage()) usage = event.usage();
  }
  const Status status = call.Finish(reader->Finish());
  if (!status.ok() && !absl::IsCancelled(status)) {
    conversation_.mutable_messages()->RemoveLast();
    return status;
  }
  Print("\n");
  auto* message = conversation_.add_messages();
  message->set_role("assistant");
  message->set_content(answer);
  if (statistics_ && status.ok()) fmt::print(stderr, "{}\n", FormatUsage(usage));
  return OkStatus();
}

Status ChatCommand::Run(Session& session) {
  const auto services = session.Connect(model_, Store::kTemporary);
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services->LanguageModel());
  const auto stub = InferenceService::NewStub(channel);
  conversation_.set_model(services->language_model_name());
  QUIRE_RETURN_IF_ERROR(SetGeneration(sampling_, conversation_));
  Clear();
  if (session.terminal().stdin_is_terminal) fmt::print(stderr, "/help lists what can be done\n");
  while (const std::optional<std::string> message = ReadMessage(session)) {
    if (message->empty()) continue;
    if (message->front() == '/') {
      if (!RunSlashCommand(*message)) break;
      continue;
    }
    const Status status = Answer(session, *stub, *message);
    // On a terminal the next message may do better; a script wants to know.
    if (!status.ok() && !session.terminal().stdin_is_terminal) return status;
    if (!status.ok()) fmt::print(stderr, "quire: {}\n", Message(status));
  }
  return OkStatus();
}

}  // namespace

std::unique_ptr<Command> NewChatCommand(CLI::App& parent) {
  return std::make_unique<ChatCommand>(parent);
}

}  // namespace quire::services::cli
