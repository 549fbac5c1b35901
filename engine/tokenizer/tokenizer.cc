#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "engine/tokenizer/bpe_model.h"
#include "engine/tokenizer/token_decoder.h"
#include "engine/tokenizer/tokenizer_json.h"
#include "engine/tokenizer/tokenizer_pipeline.h"
#include "engine/tokenizer/word_piece_model.h"

namespace quire::engine {
namespace {

// tokenizer.json's added_tokens, then those only tokenizer_config.json knows.
StatusOr<std::vector<AddedToken>> ParseAddedTokens(const JsonField& root,
                                                   const std::optional<JsonField>& config) {
  std::vector<AddedToken> tokens;
  if (const auto list = root.Find("added_tokens")) {
    QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list->Elements());
    for (const JsonField& element : elements) {
      QUIRE_ASSIGN_OR_RETURN(const JsonField id_field, element.Get("id"));
      QUIRE_ASSIGN_OR_RETURN(const std::int64_t id, id_field.Integer());
      if (id < 0 || id >= Vocabulary::kMaxSize) return id_field.Wanted("an id in [0, 2^24)");
      QUIRE_ASSIGN_OR_RETURN(AddedToken token, ParseAddedToken(element, static_cast<TokenId>(id)));
      tokens.push_back(std::move(token));
    }
  }
  const auto more = config ? config->Find("added_tokens_decoder") : std::nullopt;
  if (!more || !more->value().is_object()) return tokens;
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
  return tokens;
}

StatusOr<std::unique_ptr<SubwordModel>> NewBpe(const JsonField& spec, const TokenizerJson& file,
                                               const Vocabulary& vocabulary, bool byte_level,
                                               std::vector<bool> is_special) {
  BpeModel::Options options;
  options.byte_level = byte_level;
  options.is_special = std::move(is_special);
  QUIRE_ASSIGN_OR_RETURN(options.byte_fallback, spec.BoolOr("byte_fallback", false));
  QUIRE_ASSIGN_OR_RETURN(options.fuse_unknown, spec.BoolOr("fuse_unk", false));
  QUIRE_ASSIGN_OR_RETURN(options.ignore_merges, spec.BoolOr("ignore_merges", false));
  QUIRE_ASSIGN_OR_RETURN(options.continuing_subword_prefix,
                         spec.StringOr("continuing_subword_prefix", ""));
  QUIRE_ASSIGN_OR_RETURN(options.end_of_word_suffix, spec.StringOr("end_of_word_suffix", ""));
  QUIRE_ASSIGN_OR_RETURN(options.unknown_token, spec.StringOr("unk_token", ""));
  return BpeModel::Create(vocabulary, file.merges, options, spec.path());
}

StatusOr<std::unique_ptr<SubwordModel>> NewWordPiece(const JsonField& spec,
                                                     const Vocabulary& vocabulary,
                                                     std::vector<bool> is_special) {
  WordPieceModel::Options options;
  options.is_special = std::move(is_special);
  QUIRE_ASSIGN_OR_RETURN(options.unknown_token, spec.StringOr("unk_token", options.unknown_token));
  QUIRE_ASSIGN_OR_RETURN(
      options.continuing_subword_prefix,
      spec.StringOr("continuing_subword_prefix", options.continuing_subword_prefix));
  QUIRE_ASSIGN_OR_RETURN(
      options.max_input_chars_per_word,
      spec.IntegerOr("max_input_chars_per_word", options.max_input_chars_per_word));
  return WordPieceModel::Create(vocabulary, options, spec.path());
}

StatusOr<std::unique_ptr<SubwordModel>> NewModel(const JsonField& spec, const TokenizerJson& file,
                                                 const Vocabulary& vocabulary, bool byte_level,
                                                 const std::vector<AddedToken>& added_tokens) {
  std::vector<bool> is_special(static_cast<std::size_t>(vocabulary.size()));
  for (const AddedToken& token : added_tokens) {
    if (token.special && token.id < vocabulary.size()) {
      is_special[static_cast<std::size_t>(token.id)] = true;
    }
  }
  // Old files of BPE models name no type.
  QUIRE_ASSIGN_OR_RETURN(const std::string type,
                         spec.StringOr("type", file.merges.empty() ? "" : "BPE"));
  if (type == "BPE") return NewBpe(spec, file, vocabulary, byte_level, std::move(is_special));
  if (type == "WordPiece" && !byte_level) {
    return NewWordPiece(spec, vocabulary, std::move(is_special));
  }
  if (type == "WordPiece") return spec.Wanted("a BPE model behind a ByteLevel pre-tokenizer");
  return InvalidArgument("{}.type: wanted BPE or WordPiece, have \"{}\"", spec.path(), type);
}

// bos_token and eos_token are a text or an added token.
StatusOr<std::optional<TokenId>> FindNamedToken(const std::optional<JsonField>& config,
                                                std::string_view name,
                                                const AddedTokens& added_tokens,
                                                const Vocabulary& vocabulary) {
  const std::optional<JsonField> field = config ? config->Find(name) : std::nullopt;
  if (!field) return std::optional<TokenId>();
  const JsonField content = field->Find("content").value_or(*field);
  QUIRE_ASSIGN_OR_RETURN(const std::string text, content.String());
  if (const AddedToken* added = added_tokens.Find(text)) return std::optional<TokenId>(added->id);
  return vocabulary.Find(text);
}

// What each token adds to a text, by id.
StatusOr<TokenTexts> DecodeAll(const TokenDecoder& decoder, const Vocabulary& vocabulary,
                               const AddedTokens& added_tokens) {
  std::int64_t size = vocabulary.size();
  for (const AddedToken& token : added_tokens.tokens()) {
    size = std::max(size, std::int64_t{token.id} + 1);
  }
  std::vector<std::string> bytes(static_cast<std::size_t>(size));
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.Contains(id)) continue;
    bytes[static_cast<std::size_t>(id)] =
        decoder.Bytes(std::string(vocabulary.Text(id)), /*added=*/false);
  }
  for (const AddedToken& token : added_tokens.tokens()) {
    bytes[static_cast<std::size_t>(token.id)] = decoder.Bytes(token.content, /*added=*/true);
  }
  return TokenTexts(bytes);
}

// transformers' Llama-style tokenizers put BOS and EOS as tokenizer_config.json says, whatever
// tokenizer.json's post-processor does.
StatusOr<SpecialTokenFrame> ApplyConfig(const std::optional<JsonField>& config,
                                        const TokenizerParts& parts, SpecialTokenFrame frame) {
  if (!config || !config->Find("add_bos_token")) return frame;
  QUIRE_ASSIGN_OR_RETURN(const std::string tokenizer_class,
                         config->StringOr("tokenizer_class", ""));
  const bool rebuilds_frame = std::string_view(tokenizer_class).starts_with("Llama") ||
                              std::string_view(tokenizer_class).starts_with("CodeLlama") ||
                              std::string_view(tokenizer_class).starts_with("Gemma");
  if (!rebuilds_frame) return frame;
  QUIRE_ASSIGN_OR_RETURN(const bool add_bos, config->BoolOr("add_bos_token", true));
  QUIRE_ASSIGN_OR_RETURN(const bool add_eos, config->BoolOr("add_eos_token", false));
  frame = {};
  if (add_bos && parts.bos_token_id) frame.before.push_back(*parts.bos_token_id);
  if (add_eos && parts.eos_token_id) frame.after.push_back(*parts.eos_token_id);
  return frame;
}

StatusOr<TokenizerParts> BuildParts(const TokenizerJson& file, const JsonField& root,
                                    const std::optional<JsonField>& config) {
  TokenizerParts parts;
  QUIRE_ASSIGN_OR_RETURN(parts.vocabulary,
                         Vocabulary::Create(file.vocab, root.path() + " model.vocab"));
  if (const auto spec = root.Find("normalizer")) {
    QUIRE_ASSIGN_OR_RETURN(parts.normalizer, NewNormalizer(*spec));
  }
  PreTokenizerSetup setup;
  if (const auto spec = root.Find("pre_tokenizer")) {
    QUIRE_ASSIGN_OR_RETURN(setup, NewPreTokenizer(*spec));
  }
  parts.pre_tokenizer = std::move(setup.pre_tokenizer);
  QUIRE_ASSIGN_OR_RETURN(std::vector<AddedToken> added, ParseAddedTokens(root, config));
  QUIRE_ASSIGN_OR_RETURN(const JsonField model, root.Get("model"));
  QUIRE_ASSIGN_OR_RETURN(parts.model,
                         NewModel(model, file, *parts.vocabulary, setup.byte_level, added));
  QUIRE_ASSIGN_OR_RETURN(
      parts.added_tokens,
      AddedTokens::Create(std::move(added), *parts.vocabulary, parts.normalizer.get(),
                          root.path() + " added_tokens"));
  QUIRE_ASSIGN_OR_RETURN(const TokenDecoder decoder, TokenDecoder::Create(root.Find("decoder")));
  parts.strips_leading_space = decoder.strips_leading_space();
  QUIRE_ASSIGN_OR_RETURN(parts.token_bytes,
                         DecodeAll(decoder, *parts.vocabulary, parts.added_tokens));
  QUIRE_ASSIGN_OR_RETURN(parts.bos_token_id, FindNamedToken(config, "bos_token", parts.added_tokens,
                                                            *parts.vocabulary));
  QUIRE_ASSIGN_OR_RETURN(parts.eos_token_id, FindNamedToken(config, "eos_token", parts.added_tokens,
                                                            *parts.vocabulary));
  if (const auto spec = root.Find("post_processor")) {
    QUIRE_ASSIGN_OR_RETURN(parts.frame, ParsePostProcessor(*spec, [&](TokenId id) {
                             return id < parts.token_bytes.size();
                           }));
  }
  QUIRE_ASSIGN_OR_RETURN(parts.frame, ApplyConfig(config, parts, std::move(parts.frame)));
  return parts;
}

}  // namespace

StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Load(const std::string& directory) {
  const std::filesystem::path folder(directory);
  const std::string path = (folder / "tokenizer.json").string();
  QUIRE_ASSIGN_OR_RETURN(const TokenizerJson file, ReadTokenizerJson(path));
  const std::string config_path = (folder / "tokenizer_config.json").string();
  StatusOr<nlohmann::json> config = ReadJson(config_path);
  if (!config.ok() && !absl::IsNotFound(config.status())) return config.status();
  std::optional<JsonField> config_field;
  if (config.ok()) config_field.emplace(*config, config_path + ":");
  QUIRE_ASSIGN_OR_RETURN(TokenizerParts parts,
                         BuildParts(file, JsonField(file.root, path + ":"), config_field));
  return std::make_unique<TokenizerPipeline>(std::move(parts));
}

}  // namespace quire::engine
