#include "engine/tokenizer/tokenizer_config.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "engine/tokenizer/tokenizer_json.h"

namespace quire::engine {
namespace {

// The classes whose BOS and EOS are decided by add_bos_token and add_eos_token alone.
bool RebuildsFrame(std::string_view tokenizer_class) {
  return tokenizer_class.starts_with("Llama") || tokenizer_class.starts_with("CodeLlama") ||
         tokenizer_class.starts_with("Gemma");
}

}  // namespace

StatusOr<TokenizerConfig> TokenizerConfig::Load(const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / "tokenizer_config.json").string();
  StatusOr<nlohmann::json> json = ReadJson(path);
  if (absl::IsNotFound(json.status())) return TokenizerConfig(nullptr, path + ":");
  QUIRE_RETURN_IF_ERROR(json.status());
  return TokenizerConfig(*std::move(json), path + ":");
}

StatusOr<std::string> TokenizerConfig::StringOr(std::string_view name,
                                                std::string_view fallback) const {
  return root().StringOr(name, fallback);
}

StatusOr<bool> TokenizerConfig::BoolOr(std::string_view name, bool fallback) const {
  return root().BoolOr(name, fallback);
}

Status TokenizerConfig::AppendAddedTokens(std::vector<AddedToken>& tokens) const {
  const std::optional<JsonField> more = root().Find("added_tokens_decoder");
  if (!more || !more->value().is_object()) return OkStatus();
  for (const auto& [key, value] : more->value().items()) {
    const JsonField field(value, fmt::format("{}.{}", more->path(), key));
    TokenId id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size()) {
      return field.Wanted("an id as its key");
    }
    QUIRE_ASSIGN_OR_RETURN(AddedToken token, ParseAddedToken(field, id));
    const bool known = std::any_of(tokens.begin(), tokens.end(), [&](const AddedToken& other) {
      return other.id == id || other.content == token.content;
    });
    if (!known) tokens.push_back(std::move(token));
  }
  return OkStatus();
}

// bos_token and eos_token are a text or an added token.
StatusOr<std::optional<TokenId>> TokenizerConfig::FindNamedToken(
    std::string_view name, const AddedTokens& added_tokens, const Vocabulary& vocabulary) const {
  const std::optional<JsonField> field = root().Find(name);
  if (!field) return std::optional<TokenId>();
  const JsonField content = field->Find("content").value_or(*field);
  QUIRE_ASSIGN_OR_RETURN(const std::string text, content.String());
  if (const AddedToken* added = added_tokens.Find(text)) return std::optional<TokenId>(added->id);
  return vocabulary.Find(text);
}

StatusOr<SpecialTokenFrame> TokenizerConfig::ApplyTo(SpecialTokenFrame frame,
                                                     std::optional<TokenId> bos,
                                                     std::optional<TokenId> eos) const {
  if (!has("add_bos_token")) return frame;
  QUIRE_ASSIGN_OR_RETURN(const std::string tokenizer_class, StringOr("tokenizer_class", ""));
  if (!RebuildsFrame(tokenizer_class)) return frame;
  QUIRE_ASSIGN_OR_RETURN(const bool add_bos, BoolOr("add_bos_token", true));
  QUIRE_ASSIGN_OR_RETURN(const bool add_eos, BoolOr("add_eos_token", false));
  frame = {};
  if (add_bos && bos) frame.before.push_back(*bos);
  if (add_eos && eos) frame.after.push_back(*eos);
  return frame;
}

}  // namespace quire::engine
