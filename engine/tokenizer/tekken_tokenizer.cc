#include "engine/tokenizer/tekken_tokenizer.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "engine/tokenizer/bpe_model.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/hugging_face_tokenizer.h"
#include "engine/tokenizer/tokenizer_config.h"
#include "engine/tokenizer/tokenizer_json.h"

namespace quire::engine {
namespace {

using nlohmann::json;

// The control tokens of files that list none, by id.
constexpr std::array<std::string_view, 20> kUnlistedTokens = {"<unk>",
                                                              "<s>",
                                                              "</s>",
                                                              "[INST]",
                                                              "[/INST]",
                                                              "[AVAILABLE_TOOLS]",
                                                              "[/AVAILABLE_TOOLS]",
                                                              "[TOOL_RESULTS]",
                                                              "[/TOOL_RESULTS]",
                                                              "[TOOL_CALLS]",
                                                              "[IMG]",
                                                              "<pad>",
                                                              "[IMG_BREAK]",
                                                              "[IMG_END]",
                                                              "[PREFIX]",
                                                              "[MIDDLE]",
                                                              "[SUFFIX]",
                                                              "[SYSTEM_PROMPT]",
                                                              "[/SYSTEM_PROMPT]",
                                                              "[TOOL_CONTENT]"};

struct Sizes {
  std::int64_t tokens = 0;  // all
  std::int64_t control_tokens = 0;
};

StatusOr<Sizes> ReadSizes(const JsonField& config) {
  Sizes sizes;
  QUIRE_ASSIGN_OR_RETURN(const JsonField tokens, config.Get("default_vocab_size"));
  QUIRE_ASSIGN_OR_RETURN(sizes.tokens, tokens.Integer());
  QUIRE_ASSIGN_OR_RETURN(const JsonField control, config.Get("default_num_special_tokens"));
  QUIRE_ASSIGN_OR_RETURN(sizes.control_tokens, control.Integer());
  if (sizes.tokens < 0 || sizes.tokens > Vocabulary::kMaxSize) {
    return tokens.Wanted("a size in [0, 2^24]");
  }
  if (sizes.control_tokens < 0 || sizes.control_tokens > sizes.tokens) {
    return control.Wanted("at most all tokens");
  }
  return sizes;
}

AddedToken ControlToken(std::int64_t id, std::string content, bool special) {
  AddedToken token;
  token.id = static_cast<TokenId>(id);
  token.content = std::move(content);
  token.special = special;
  return token;
}

// The control tokens, with names for the ids that have none.
StatusOr<std::vector<AddedToken>> ReadControlTokens(const JsonField& root, std::int64_t count) {
  std::vector<AddedToken> tokens;
  if (const std::optional<JsonField> list = root.Find("special_tokens")) {
    QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list->Elements());
    for (const JsonField& element : elements) {
      QUIRE_ASSIGN_OR_RETURN(const JsonField rank, element.Get("rank"));
      QUIRE_ASSIGN_OR_RETURN(const std::int64_t id, rank.Integer());
      if (id < 0 || id >= count) return rank.Wanted("the id of a control token");
      QUIRE_ASSIGN_OR_RETURN(const JsonField text, element.Get("token_str"));
      QUIRE_ASSIGN_OR_RETURN(std::string content, text.String());
      QUIRE_ASSIGN_OR_RETURN(const bool special, element.BoolOr("is_control", true));
      tokens.push_back(ControlToken(id, std::move(content), special));
    }
  } else {
    for (std::int64_t id = 0; id < std::min<std::int64_t>(count, kUnlistedTokens.size()); ++id) {
      tokens.push_back(ControlToken(id, std::string(kUnlistedTokens[static_cast<std::size_t>(id)]),
                                    /*special=*/true));
    }
  }
  for (auto id = static_cast<std::int64_t>(tokens.size()); id < count; ++id) {
    tokens.push_back(ControlToken(id, fmt::format("<SPECIAL_{}>", id), /*special=*/true));
  }
  return tokens;
}

// The other tokens, spelled in the byte-level alphabet. They stand in the order of their ranks.
StatusOr<std::vector<std::string>> ReadTokens(const JsonField& root, std::int64_t count) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField list, root.Get("vocab"));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list.Elements());
  if (static_cast<std::int64_t>(elements.size()) < count) {
    return InvalidArgument("{}: wanted at least {} tokens, have {}", list.path(), count,
                           elements.size());
  }
  std::vector<std::string> tokens;
  for (std::int64_t i = 0; i < count; ++i) {
    const JsonField& element = elements[static_cast<std::size_t>(i)];
    QUIRE_ASSIGN_OR_RETURN(const JsonField rank_field, element.Get("rank"));
    QUIRE_ASSIGN_OR_RETURN(const std::int64_t rank, rank_field.Integer());
    if (rank != i) return rank_field.Wanted("the place in the list");
    QUIRE_ASSIGN_OR_RETURN(const JsonField bytes_field, element.Get("token_bytes"));
    QUIRE_ASSIGN_OR_RETURN(const std::string encoded, bytes_field.String());
    std::string bytes;
    if (!absl::Base64Unescape(encoded, &bytes) || bytes.empty()) {
      return bytes_field.Wanted("base64 of at least one byte");
    }
    std::string& spelled = tokens.emplace_back();
    for (const char byte : bytes) spelled += SpellByte(static_cast<unsigned char>(byte));
  }
  return tokens;
}

// Vocabulary, added tokens, model and decoder.
StatusOr<TokenizerParts> BuildModel(std::vector<AddedToken> control_tokens,
                                    const std::vector<std::string>& texts,
                                    const std::string& place) {
  TokenizerParts parts;
  const std::size_t first = control_tokens.size();
  std::vector<std::pair<std::string, TokenId>> tokens;
  for (const AddedToken& token : control_tokens) tokens.emplace_back(token.content, token.id);
  for (const std::string& text : texts) {
    tokens.emplace_back(text, static_cast<TokenId>(tokens.size()));
  }
  QUIRE_ASSIGN_OR_RETURN(parts.vocabulary, Vocabulary::Create(tokens, place + " vocab"));
  BpeModel::ScoredPieces pieces;
  pieces.scores.resize(tokens.size());
  pieces.usable.resize(tokens.size());
  pieces.unused.resize(tokens.size());
  for (std::size_t id = first; id < tokens.size(); ++id) {
    pieces.scores[id] = -static_cast<float>(id);  // exact: ids have 24 bits
    pieces.usable[id] = true;
  }
  BpeModel::Options options;
  options.byte_level = true;
  options.ignore_merges = true;
  QUIRE_ASSIGN_OR_RETURN(
      parts.model, BpeModel::CreateScored(*parts.vocabulary, pieces, options, place + " vocab"));
  QUIRE_ASSIGN_OR_RETURN(parts.added_tokens,
                         AddedTokens::Create(std::move(control_tokens), *parts.vocabulary,
                                             /*normalizer=*/nullptr, place + " special_tokens"));
  const json decoder = {{"type", "ByteLevel"}};
  QUIRE_RETURN_IF_ERROR(SetDecoder(JsonField(decoder, "decoder"), parts));
  return parts;
}

StatusOr<std::unique_ptr<const PreTokenizer>> NewTekkenPreTokenizer(const JsonField& config) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField pattern, config.Get("pattern"));
  QUIRE_ASSIGN_OR_RETURN(const std::string regex, pattern.String());
  // What the expression does not match is dropped.
  const json spec = {{"type", "Split"},
                     {"pattern", {{"Regex", regex}}},
                     {"behavior", "Removed"},
                     {"invert", true}};
  QUIRE_ASSIGN_OR_RETURN(PreTokenizerSetup setup, NewPreTokenizer(JsonField(spec, pattern.path())));
  return std::move(setup.pre_tokenizer);
}

}  // namespace

StatusOr<TokenizerParts> LoadTekkenTokenizer(const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / "tekken.json").string();
  QUIRE_ASSIGN_OR_RETURN(const json file, ReadJson(path));
  const JsonField root(file, path + ":");
  QUIRE_ASSIGN_OR_RETURN(const JsonField config, root.Get("config"));
  QUIRE_ASSIGN_OR_RETURN(const Sizes sizes, ReadSizes(config));
  QUIRE_ASSIGN_OR_RETURN(std::vector<AddedToken> control_tokens,
                         ReadControlTokens(root, sizes.control_tokens));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::string> texts,
                         ReadTokens(root, sizes.tokens - sizes.control_tokens));
  QUIRE_ASSIGN_OR_RETURN(TokenizerParts parts,
                         BuildModel(std::move(control_tokens), texts, root.path()));
  QUIRE_ASSIGN_OR_RETURN(parts.pre_tokenizer, NewTekkenPreTokenizer(config));
  parts.bos_token_id = parts.vocabulary->Find("<s>");
  parts.eos_token_id = parts.vocabulary->Find("</s>");
  if (parts.bos_token_id) parts.frame.before.push_back(*parts.bos_token_id);
  QUIRE_ASSIGN_OR_RETURN(const TokenizerConfig settings, TokenizerConfig::Load(directory));
  QUIRE_ASSIGN_OR_RETURN(parts.frame, settings.ApplyTo(std::move(parts.frame), parts.bos_token_id,
                                                       parts.eos_token_id));
  return parts;
}

}  // namespace quire::engine
