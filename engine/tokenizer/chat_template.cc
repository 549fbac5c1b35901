#include "engine/tokenizer/chat_template.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "engine/formats/gguf_file.h"
#include "engine/tokenizer/jinja/interpreter.h"
#include "engine/tokenizer/jinja/json_input.h"
#include "engine/tokenizer/jinja/parser.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/tokenizer_json.h"

namespace quire::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxTemplateBytes = 1 << 20;
constexpr std::array<std::string_view, 8> kKnownRoles = {
    "system", "user", "assistant", "tool", "developer", "function", "ipython", "model"};
// Variables that are not the caller's to set.
constexpr std::array<std::string_view, 5> kReservedNames = {
    "messages", "tools", "add_generation_prompt", "bos_token", "eos_token"};

// Bytes of all strings in `json`, keys included, down to the depth that a template may see.
std::size_t StringBytes(const Json& json, int depth) {
  if (json.is_string()) return json.get_ref<const std::string&>().size();
  if (!json.is_structured() || depth > jinja::kMaxInputDepth) return 0;
  std::size_t bytes = 0;
  for (const auto& [key, element] : json.items()) {
    bytes += (json.is_object() ? key.size() : 0) + StringBytes(element, depth + 1);
  }
  return bytes;
}

// Long documents may pass through a template; what it may use grows with them.
jinja::Limits LimitsFor(const Json& input) {
  const auto bytes = static_cast<std::int64_t>(StringBytes(input, 0));
  jinja::Limits limits;
  limits.text_bytes = std::max(limits.text_bytes, 4 * bytes);
  limits.total_bytes += 16 * bytes;
  return limits;
}

// Replaces the texts of well-known roles by ones that count as written by the template.
Status TrustKnownRoles(const jinja::Value& messages, jinja::Arena& arena) {
  if (!messages.is(jinja::Value::Kind::kSequence)) return OkStatus();
  for (const jinja::Value& message : messages.sequence().items) {
    if (!message.is(jinja::Value::Kind::kDict)) continue;
    const jinja::Value* role = message.dict().Find("role");
    if (role == nullptr || !role->is_text()) continue;
    const std::string& name = role->text().bytes();
    if (std::find(kKnownRoles.begin(), kKnownRoles.end(), name) == kKnownRoles.end()) continue;
    QUIRE_ASSIGN_OR_RETURN(const jinja::Value key, arena.NewText("role", jinja::Origin::kTemplate));
    QUIRE_ASSIGN_OR_RETURN(const jinja::Value trusted,
                           arena.NewText(name, jinja::Origin::kTemplate));
    message.dict().Set(key, trusted);
  }
  return OkStatus();
}

Status SetVariable(const Json& input, const std::string& name, jinja::Arena& arena,
                   jinja::Scope& scope) {
  const auto found = input.find(name);
  jinja::Value value = jinja::Value::None();
  if (found != input.end()) {
    QUIRE_ASSIGN_OR_RETURN(value, ValueFromJson(*found, arena));
  }
  scope.Set(name, value);
  return OkStatus();
}

Status SetKeywordArguments(const Json& kwargs, jinja::Arena& arena, jinja::Scope& scope) {
  if (!kwargs.is_object()) return InvalidArgument("template input: wanted kwargs as an object");
  for (const auto& [name, json] : kwargs.items()) {
    if (std::find(kReservedNames.begin(), kReservedNames.end(), name) != kReservedNames.end()) {
      return InvalidArgument("template input: wanted kwargs of their own, have \"{}\"", name);
    }
    QUIRE_ASSIGN_OR_RETURN(const jinja::Value value, ValueFromJson(json, arena));
    scope.Set(name, value);
  }
  return OkStatus();
}

std::vector<TextSegment> ToSegments(const jinja::Text& text) {
  std::vector<TextSegment> segments;
  std::size_t begin = 0;
  for (const jinja::Text::Run& run : text.runs()) {
    segments.push_back({run.origin == jinja::Origin::kTemplate ? TextSegment::Kind::kTemplate
                                                               : TextSegment::Kind::kContent,
                        text.bytes().substr(begin, run.end - begin)});
    begin = run.end;
  }
  return segments;
}

class JinjaChatTemplate final : public ChatTemplate {
 public:
  explicit JinjaChatTemplate(jinja::Block block) : block_(std::move(block)) {}

  StatusOr<std::vector<TextSegment>> Render(const Json& input,
                                            const Options& options) const override {
    if (!input.is_object() || !input.contains("messages")) {
      return InvalidArgument("template input: wanted an object with messages, have none");
    }
    jinja::Runtime runtime(LimitsFor(input), options.now_seconds);
    const auto scope = std::make_shared<jinja::Scope>(nullptr);
    QUIRE_RETURN_IF_ERROR(SetVariables(input, options, runtime.arena(), *scope));
    QUIRE_ASSIGN_OR_RETURN(const jinja::Text text,
                           jinja::Interpreter(runtime).Render(block_, scope));
    return ToSegments(text);
  }

 private:
  static Status SetVariables(const Json& input, const Options& options, jinja::Arena& arena,
                             jinja::Scope& scope) {
    QUIRE_RETURN_IF_ERROR(SetVariable(input, "messages", arena, scope));
    QUIRE_RETURN_IF_ERROR(SetVariable(input, "tools", arena, scope));
    scope.Set("documents", jinja::Value::None());
    QUIRE_RETURN_IF_ERROR(TrustKnownRoles(*scope.Find("messages"), arena));
    for (const auto& [name, token] :
         {std::pair("bos_token", &options.bos_token), std::pair("eos_token", &options.eos_token)}) {
      QUIRE_ASSIGN_OR_RETURN(const jinja::Value value,
                             arena.NewText(ReplaceInvalidUtf8(*token), jinja::Origin::kTemplate));
      scope.Set(name, value);
    }
    scope.Set("add_generation_prompt", jinja::Value::Bool(options.add_generation_prompt));
    const auto kwargs = input.find("kwargs");
    if (kwargs == input.end() || kwargs->is_null()) return OkStatus();
    return SetKeywordArguments(*kwargs, arena, scope);
  }

  const jinja::Block block_;
};

// chat_template is one template, or a list of them with names.
StatusOr<std::string> DefaultTemplate(const JsonField& field) {
  if (!field.value().is_array()) return field.String();
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, field.Elements());
  for (const JsonField& element : elements) {
    QUIRE_ASSIGN_OR_RETURN(const std::string name, element.StringOr("name", ""));
    if (name != "default") continue;
    QUIRE_ASSIGN_OR_RETURN(const JsonField source, element.Get("template"));
    return source.String();
  }
  return field.Wanted("a template named \"default\"");
}

StatusOr<std::string> ReadGgufTemplate(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(path, MappedFile::Wanted::kSome));
  QUIRE_ASSIGN_OR_RETURN(const auto source, file->metadata().String("tokenizer.chat_template"));
  if (!source) return NotFound("{}: wanted a chat template, have none", path);
  std::string copy(*source);
  QUIRE_RETURN_IF_ERROR(file->CheckUnchanged());
  return copy;
}

StatusOr<std::string> ReadTemplate(const std::string& directory) {
  const std::filesystem::path folder(directory);
  StatusOr<std::string> source =
      ReadFile((folder / "chat_template.jinja").string(), kMaxTemplateBytes);
  if (source.ok() || !absl::IsNotFound(source.status())) return source;
  const std::string config_path = (folder / "tokenizer_config.json").string();
  const StatusOr<nlohmann::json> config = ReadJson(config_path);
  if (!config.ok() && !absl::IsNotFound(config.status())) return config.status();
  const auto field = config.ok() ? JsonField(*config, config_path + ":").Find("chat_template")
                                 : std::optional<JsonField>();
  if (!field) return NotFound("{}: wanted a chat template, have none", directory);
  return DefaultTemplate(*field);
}

}  // namespace

StatusOr<std::unique_ptr<ChatTemplate>> ChatTemplate::Compile(std::string_view source) {
  if (source.size() > kMaxTemplateBytes) {
    return InvalidArgument("template: wanted at most {} bytes, have {}", kMaxTemplateBytes,
                           source.size());
  }
  if (const std::size_t at = FindInvalidUtf8(source); at < source.size()) {
    return InvalidArgument("template: wanted UTF-8, have an invalid byte at {}", at);
  }
  QUIRE_ASSIGN_OR_RETURN(jinja::Block block, jinja::Parse(source));
  return std::make_unique<JinjaChatTemplate>(std::move(block));
}

StatusOr<std::unique_ptr<ChatTemplate>> ChatTemplate::Load(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(const std::string source,
                         IsGgufPath(path) ? ReadGgufTemplate(path) : ReadTemplate(path));
  StatusOr<std::unique_ptr<ChatTemplate>> result = Compile(source);
  if (!result.ok()) return Annotate(result.status(), path);
  return result;
}

StatusOr<std::vector<TextSegment>> ChatTemplate::RenderMessages(
    const std::vector<ChatMessage>& messages, const Options& options) const {
  Json list = Json::array();
  for (const ChatMessage& message : messages) {
    list.push_back(Json{{"role", message.role}, {"content", message.content}});
  }
  return Render(Json{{"messages", std::move(list)}}, options);
}

std::string JoinSegments(const std::vector<TextSegment>& segments) {
  std::string text;
  for (const TextSegment& segment : segments) text += segment.text;
  return text;
}

}  // namespace quire::engine
