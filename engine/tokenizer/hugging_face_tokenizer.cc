#include "engine/tokenizer/hugging_face_tokenizer.h"

#include <algorithm>
#include <filesystem>

#include "base/utf8.h"
#include "engine/tokenizer/bpe_model.h"
#include "engine/tokenizer/token_decoder.h"
#include "engine/tokenizer/tokenizer_config.h"
#include "engine/tokenizer/tokenizer_json.h"
#include "engine/tokenizer/unigram_model.h"
#include "engine/tokenizer/word_level_model.h"
#include "engine/tokenizer/word_piece_model.h"

namespace quire::engine {
namespace {

StatusOr<std::vector<AddedToken>> ParseAddedTokens(const JsonField& root) {
  std::vector<AddedToken> tokens;
  const std::optional<JsonField> list = root.Find("added_tokens");
  if (!list) return tokens;
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list->Elements());
  for (const JsonField& element : elements) {
    QUIRE_ASSIGN_OR_RETURN(const JsonField id_field, element.Get("id"));
    QUIRE_ASSIGN_OR_RETURN(const std::int64_t id, id_field.Integer());
    if (id < 0 || id >= Vocabulary::kMaxSize) return id_field.Wanted("an id in [0, 2^24)");
    QUIRE_ASSIGN_OR_RETURN(AddedToken token, ParseAddedToken(element, static_cast<TokenId>(id)));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

// Builds the model of a tokenizer.json.
class ModelReader {
 public:
  ModelReader(const JsonField& spec, const TokenizerJson& file, const Vocabulary& vocabulary,
              const std::vector<AddedToken>& added_tokens)
      : spec_(spec),
        file_(file),
        vocabulary_(vocabulary),
        is_special_(static_cast<std::size_t>(vocabulary.size())) {
    for (const AddedToken& token : added_tokens) {
      if (token.special && token.id < vocabulary.size()) {
        is_special_[static_cast<std::size_t>(token.id)] = true;
      }
    }
  }

  StatusOr<std::unique_ptr<SubwordModel>> Read(bool byte_level) {
    QUIRE_ASSIGN_OR_RETURN(const std::string type, spec_.StringOr("type", GuessType()));
    if ((type == "Unigram") != !file_.scores.empty()) {
      return InvalidArgument("{}.vocab: wanted {}, have something else", spec_.path(),
                             type == "Unigram" ? "pairs of a piece and its score" : "ids by piece");
    }
    if (type == "BPE") return NewBpe(byte_level);
    if (byte_level) return spec_.Wanted("a BPE model behind a ByteLevel pre-tokenizer");
    if (type == "Unigram") return NewUnigram();
    if (type == "WordPiece") return NewWordPiece();
    if (type == "WordLevel") return NewWordLevel();
    return InvalidArgument("{}.type: wanted BPE, Unigram, WordPiece or WordLevel, have \"{}\"",
                           spec_.path(), type);
  }

 private:
  // Old files name no type.
  std::string_view GuessType() const {
    if (!file_.scores.empty()) return "Unigram";
    return file_.merges.empty() ? "" : "BPE";
  }

  StatusOr<std::unique_ptr<SubwordModel>> NewBpe(bool byte_level) {
    BpeModel::Options options;
    options.byte_level = byte_level;
    options.is_special = std::move(is_special_);
    QUIRE_ASSIGN_OR_RETURN(options.byte_fallback, spec_.BoolOr("byte_fallback", false));
    QUIRE_ASSIGN_OR_RETURN(options.fuse_unknown, spec_.BoolOr("fuse_unk", false));
    QUIRE_ASSIGN_OR_RETURN(options.ignore_merges, spec_.BoolOr("ignore_merges", false));
    QUIRE_ASSIGN_OR_RETURN(options.continuing_subword_prefix,
                           spec_.StringOr("continuing_subword_prefix", ""));
    QUIRE_ASSIGN_OR_RETURN(options.end_of_word_suffix, spec_.StringOr("end_of_word_suffix", ""));
    QUIRE_ASSIGN_OR_RETURN(options.unknown_token, spec_.StringOr("unk_token", ""));
    return BpeModel::Create(vocabulary_, file_.merges, options, spec_.path());
  }

  StatusOr<std::unique_ptr<SubwordModel>> NewUnigram() {
    UnigramModel::Options options;
    options.scores = file_.scores;
    options.min_score = *std::min_element(file_.scores.begin(), file_.scores.end());
    options.usable.resize(file_.scores.size());
    for (TokenId id = 0; id < vocabulary_.size(); ++id) {
      const auto index = static_cast<std::size_t>(id);
      options.usable[index] = !is_special_[index] || IsOneCharacter(vocabulary_.Text(id));
    }
    QUIRE_ASSIGN_OR_RETURN(options.byte_fallback, spec_.BoolOr("byte_fallback", false));
    if (const std::optional<JsonField> field = spec_.Find("unk_id")) {
      QUIRE_ASSIGN_OR_RETURN(const std::int64_t id, field->Integer());
      if (id < 0 || id >= vocabulary_.size()) return field->Wanted("the id of a piece");
      options.unknown_id = static_cast<TokenId>(id);
    }
    return UnigramModel::Create(vocabulary_, std::move(options), spec_.path() + ".vocab");
  }

  StatusOr<std::unique_ptr<SubwordModel>> NewWordPiece() {
    WordPieceModel::Options options;
    options.is_special = std::move(is_special_);
    QUIRE_ASSIGN_OR_RETURN(options.unknown_token,
                           spec_.StringOr("unk_token", options.unknown_token));
    QUIRE_ASSIGN_OR_RETURN(
        options.continuing_subword_prefix,
        spec_.StringOr("continuing_subword_prefix", options.continuing_subword_prefix));
    QUIRE_ASSIGN_OR_RETURN(
        options.max_input_chars_per_word,
        spec_.IntegerOr("max_input_chars_per_word", options.max_input_chars_per_word));
    return WordPieceModel::Create(vocabulary_, options, spec_.path());
  }

  StatusOr<std::unique_ptr<SubwordModel>> NewWordLevel() {
    WordLevelModel::Options options;
    options.is_special = std::move(is_special_);
    QUIRE_ASSIGN_OR_RETURN(options.unknown_token,
                           spec_.StringOr("unk_token", options.unknown_token));
    return std::make_unique<WordLevelModel>(vocabulary_, std::move(options));
  }

  const JsonField& spec_;
  const TokenizerJson& file_;
  const Vocabulary& vocabulary_;
  std::vector<bool> is_special_;  // by id
};

StatusOr<TokenizerParts> BuildParts(const TokenizerJson& file, const JsonField& root,
                                    const TokenizerConfig& config) {
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
  QUIRE_ASSIGN_OR_RETURN(std::vector<AddedToken> added, ParseAddedTokens(root));
  QUIRE_RETURN_IF_ERROR(config.AppendAddedTokens(added));
  QUIRE_ASSIGN_OR_RETURN(const JsonField model, root.Get("model"));
  QUIRE_ASSIGN_OR_RETURN(parts.model,
                         ModelReader(model, file, *parts.vocabulary, added).Read(setup.byte_level));
  QUIRE_ASSIGN_OR_RETURN(
      parts.added_tokens,
      AddedTokens::Create(std::move(added), *parts.vocabulary, parts.normalizer.get(),
                          root.path() + " added_tokens"));
  QUIRE_RETURN_IF_ERROR(SetDecoder(root.Find("decoder"), parts));
  QUIRE_ASSIGN_OR_RETURN(parts.bos_token_id,
                         config.FindNamedToken("bos_token", parts.added_tokens, *parts.vocabulary));
  QUIRE_ASSIGN_OR_RETURN(parts.eos_token_id,
                         config.FindNamedToken("eos_token", parts.added_tokens, *parts.vocabulary));
  if (const auto spec = root.Find("post_processor")) {
    QUIRE_ASSIGN_OR_RETURN(parts.frame, ParsePostProcessor(*spec, [&](TokenId id) {
                             return id < parts.token_bytes.size();
                           }));
  }
  QUIRE_ASSIGN_OR_RETURN(
      parts.frame, config.ApplyTo(std::move(parts.frame), parts.bos_token_id, parts.eos_token_id));
  return parts;
}

}  // namespace

Status SetDecoder(const std::optional<JsonField>& spec, TokenizerParts& parts) {
  QUIRE_ASSIGN_OR_RETURN(const TokenDecoder decoder, TokenDecoder::Create(spec));
  parts.token_bytes =
      BytesOfTokens(parts, [&decoder](TokenId, std::string_view text, bool is_added) {
        return decoder.Bytes(std::string(text), is_added);
      });
  if (decoder.first_differs()) {
    parts.first_bytes =
        BytesOfTokens(parts, [&decoder](TokenId, std::string_view text, bool is_added) {
          return decoder.FirstBytes(std::string(text), is_added);
        });
  }
  parts.strips_leading_space = decoder.strips_leading_space();
  parts.strips_trailing_space = decoder.strips_trailing_space();
  parts.drops_repeats = decoder.drops_repeats();
  return OkStatus();
}

StatusOr<TokenizerParts> LoadHuggingFaceTokenizer(const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / "tokenizer.json").string();
  QUIRE_ASSIGN_OR_RETURN(const TokenizerJson file, ReadTokenizerJson(path));
  QUIRE_ASSIGN_OR_RETURN(const TokenizerConfig config, TokenizerConfig::Load(directory));
  return BuildParts(file, JsonField(file.root, path + ":"), config);
}

}  // namespace quire::engine
