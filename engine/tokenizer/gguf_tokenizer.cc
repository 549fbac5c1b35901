#include "engine/tokenizer/gguf_tokenizer.h"

#include <algorithm>
#include <cctype>

#include "engine/tokenizer/bpe_model.h"
#include "engine/tokenizer/gguf_pre_tokenizers.h"
#include "engine/tokenizer/hugging_face_tokenizer.h"
#include "engine/tokenizer/metaspace.h"
#include "engine/tokenizer/sentence_piece_tokenizer.h"
#include "engine/tokenizer/word_piece_model.h"

namespace quire::engine {
namespace {

using nlohmann::json;
using Type = SentencePieceModel::PieceType;

std::string Key(std::string_view name) { return fmt::format("tokenizer.ggml.{}", name); }

// The vocabulary of a GGUF file and what it says about its tokens, by id.
class GgufVocabulary {
 public:
  static StatusOr<GgufVocabulary> Read(const GgufMetadata& metadata) {
    GgufVocabulary vocabulary(metadata);
    QUIRE_ASSIGN_OR_RETURN(const auto texts, metadata.Strings(Key("tokens")));
    const std::size_t size = texts.size();
    if (size == 0 || size > static_cast<std::size_t>(Vocabulary::kMaxSize)) {
      return metadata.Wanted(Key("tokens"), fmt::format("1 to {} tokens", Vocabulary::kMaxSize));
    }
    for (const std::string_view text : texts) {
      // Some files leave gaps; every token shall have a text of its own.
      vocabulary.texts_.push_back(text.empty() ? fmt::format("[EMPTY_{}]", vocabulary.texts_.size())
                                               : std::string(text));
    }
    QUIRE_ASSIGN_OR_RETURN(vocabulary.scores_, metadata.Floats(Key("scores")));
    if (!vocabulary.scores_.empty() && vocabulary.scores_.size() < size) {
      return metadata.Wanted(Key("scores"), fmt::format("one for each of {} tokens", size));
    }
    vocabulary.scores_.resize(size);
    QUIRE_RETURN_IF_ERROR(vocabulary.ReadTypes());
    return vocabulary;
  }

  std::size_t size() const { return texts_.size(); }
  const std::string& text(std::size_t id) const { return texts_[id]; }
  float score(std::size_t id) const { return scores_[id]; }
  Type type(std::size_t id) const { return types_[id]; }

  // The id that `name` ("bos_token_id") gives; `fallback` if the key is absent, nothing if there is
  // no such token.
  StatusOr<std::optional<TokenId>> TokenOr(std::string_view name, TokenId fallback) const {
    QUIRE_ASSIGN_OR_RETURN(const std::optional<std::int64_t> id,
                           metadata_.Integer(Key(name), -1, UINT32_MAX));
    const std::int64_t token = id.value_or(fallback);
    if (token < 0 || token >= static_cast<std::int64_t>(size())) return std::optional<TokenId>();
    return std::optional<TokenId>(static_cast<TokenId>(token));
  }

  // Control and user-defined tokens, recognized in the raw text.
  StatusOr<std::vector<AddedToken>> AddedTokens() const {
    // The one family whose tokens take whitespace with them, which the format does not say.
    QUIRE_ASSIGN_OR_RETURN(const auto name, metadata_.String("general.name"));
    const bool is_phi3 = IsPhi3(name.value_or(""));
    std::vector<AddedToken> tokens;
    for (std::size_t id = 0; id < size(); ++id) {
      const bool is_special = types_[id] == Type::kControl || types_[id] == Type::kUnknown;
      if (!is_special && types_[id] != Type::kUserDefined) continue;
      AddedToken token;
      token.id = static_cast<TokenId>(id);
      token.content = texts_[id];
      token.special = is_special;
      token.rstrip =
          is_phi3 && texts_[id] != "<unk>" && texts_[id] != "<s>" && texts_[id] != "<|endoftext|>";
      tokens.push_back(std::move(token));
    }
    return tokens;
  }

 private:
  explicit GgufVocabulary(const GgufMetadata& metadata) : metadata_(metadata) {}

  Status ReadTypes() {
    QUIRE_ASSIGN_OR_RETURN(const auto numbers, metadata_.Integers(Key("token_type")));
    if (!numbers.empty() && numbers.size() < size()) {
      return metadata_.Wanted(Key("token_type"), fmt::format("one for each of {} tokens", size()));
    }
    types_.assign(size(), Type::kNormal);
    if (numbers.empty()) return GuessTypes();
    for (std::size_t id = 0; id < std::min(numbers.size(), size()); ++id) {
      // Others count as normal: 0 is "undefined".
      if (numbers[id] < 1 || numbers[id] > static_cast<std::int64_t>(Type::kByte)) continue;
      types_[id] = static_cast<Type>(numbers[id]);
    }
    return OkStatus();
  }

  Status GuessTypes() {
    for (std::size_t id = 0; id < size(); ++id) {
      if (ByteOfPiece(texts_[id])) types_[id] = Type::kByte;
    }
    for (const char* name : {"bos_token_id", "eos_token_id", "padding_token_id", "cls_token_id",
                             "seperator_token_id", "mask_token_id", "unknown_token_id"}) {
      QUIRE_ASSIGN_OR_RETURN(const std::optional<TokenId> id, TokenOr(name, -1));
      if (id) types_[static_cast<std::size_t>(*id)] = Type::kControl;
    }
    return OkStatus();
  }

  static bool IsPhi3(std::string_view name) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower.find("phi-3") != lower.npos || lower.find("phi3") != lower.npos;
  }

  const GgufMetadata& metadata_;
  std::vector<std::string> texts_;
  std::vector<float> scores_;
  std::vector<Type> types_;
};

// What is put around a text.
struct Around {
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  bool add_bos = false;
  bool add_eos = false;
};

Status SetFrame(const GgufMetadata& metadata, Around around, TokenizerParts& parts) {
  QUIRE_ASSIGN_OR_RETURN(const auto add_bos, metadata.Bool(Key("add_bos_token")));
  QUIRE_ASSIGN_OR_RETURN(const auto add_eos, metadata.Bool(Key("add_eos_token")));
  if (add_bos.value_or(around.add_bos) && around.bos) parts.frame.before.push_back(*around.bos);
  if (add_eos.value_or(around.add_eos) && around.eos) parts.frame.after.push_back(*around.eos);
  parts.bos_token_id = around.bos;
  parts.eos_token_id = around.eos;
  return OkStatus();
}

// Reads a file with a SentencePiece vocabulary, of BPE or Unigram.
StatusOr<SentencePieceModel> ReadSentencePiece(const GgufMetadata& metadata,
                                               const GgufVocabulary& vocabulary, bool is_unigram) {
  SentencePieceModel model;
  model.algorithm =
      is_unigram ? SentencePieceModel::Algorithm::kUnigram : SentencePieceModel::Algorithm::kBpe;
  model.single_precision = false;
  QUIRE_ASSIGN_OR_RETURN(model.charsmap, metadata.Bytes(Key("precompiled_charsmap")));
  QUIRE_ASSIGN_OR_RETURN(const auto add_prefix, metadata.Bool(Key("add_space_prefix")));
  model.add_dummy_prefix = add_prefix.value_or(true);
  QUIRE_ASSIGN_OR_RETURN(const auto remove, metadata.Bool(Key("remove_extra_whitespaces")));
  model.remove_extra_whitespaces = remove.value_or(false);
  QUIRE_ASSIGN_OR_RETURN(const auto unknown,
                         vocabulary.TokenOr("unknown_token_id", is_unigram ? 2 : 0));
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    SentencePieceModel::Piece piece{vocabulary.text(id), vocabulary.score(id), vocabulary.type(id)};
    // One token is the unknown one, whatever the types say.
    const bool is_unknown = unknown && static_cast<std::size_t>(*unknown) == id;
    if (is_unknown) piece.type = Type::kUnknown;
    if (piece.type == Type::kUnknown && !is_unknown) piece.type = Type::kControl;
    model.byte_fallback |= piece.type == Type::kByte;
    model.pieces.push_back(piece);
  }
  return model;
}

StatusOr<TokenizerParts> BuildSentencePiece(const GgufMetadata& metadata,
                                            const GgufVocabulary& vocabulary, bool is_unigram) {
  QUIRE_ASSIGN_OR_RETURN(const SentencePieceModel model,
                         ReadSentencePiece(metadata, vocabulary, is_unigram));
  QUIRE_ASSIGN_OR_RETURN(std::vector<AddedToken> added, vocabulary.AddedTokens());
  QUIRE_ASSIGN_OR_RETURN(TokenizerParts parts, BuildSentencePieceTokenizer(model, std::move(added),
                                                                           metadata.path() + ":"));
  Around around{.bos = {}, .eos = {}, .add_bos = !is_unigram, .add_eos = is_unigram};
  QUIRE_ASSIGN_OR_RETURN(around.bos, vocabulary.TokenOr("bos_token_id", is_unigram ? -1 : 1));
  QUIRE_ASSIGN_OR_RETURN(around.eos, vocabulary.TokenOr("eos_token_id", is_unigram ? 1 : 2));
  QUIRE_RETURN_IF_ERROR(SetFrame(metadata, around, parts));
  return parts;
}

// Vocabulary, added tokens and decoder of a model whose tokens have these texts.
StatusOr<TokenizerParts> StartParts(const GgufMetadata& metadata, const GgufVocabulary& vocabulary,
                                    const std::vector<std::string>& texts, const json& decoder) {
  TokenizerParts parts;
  std::vector<std::pair<std::string, TokenId>> tokens;
  for (std::size_t id = 0; id < texts.size(); ++id) {
    tokens.emplace_back(texts[id], static_cast<TokenId>(id));
  }
  const std::string place = fmt::format("{}: {}", metadata.path(), Key("tokens"));
  QUIRE_ASSIGN_OR_RETURN(parts.vocabulary, Vocabulary::Create(tokens, place));
  QUIRE_ASSIGN_OR_RETURN(std::vector<AddedToken> added, vocabulary.AddedTokens());
  QUIRE_ASSIGN_OR_RETURN(parts.added_tokens,
                         AddedTokens::Create(std::move(added), *parts.vocabulary,
                                             /*normalizer=*/nullptr, place));
  QUIRE_RETURN_IF_ERROR(SetDecoder(JsonField(decoder, "decoder"), parts));
  return parts;
}

std::vector<bool> SpecialTokens(const TokenizerParts& parts) {
  std::vector<bool> is_special(static_cast<std::size_t>(parts.vocabulary->size()));
  for (const AddedToken& token : parts.added_tokens.tokens()) {
    is_special[static_cast<std::size_t>(token.id)] = token.special;
  }
  return is_special;
}

StatusOr<std::vector<std::pair<std::string, std::string>>> ReadMerges(
    const GgufMetadata& metadata) {
  QUIRE_ASSIGN_OR_RETURN(const auto lines, metadata.Strings(Key("merges")));
  std::vector<std::pair<std::string, std::string>> merges;
  merges.reserve(lines.size());
  for (const std::string_view line : lines) {
    // The first piece has a character at least.
    const std::size_t space = line.find(' ', 1);
    if (space == line.npos) {
      return InvalidArgument("{}: {}[{}]: wanted two pieces, have one", metadata.path(),
                             Key("merges"), merges.size());
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

StatusOr<GgufPreTokenizer> ReadPreTokenizer(const GgufMetadata& metadata) {
  QUIRE_ASSIGN_OR_RETURN(const auto name, metadata.String(Key("pre")));
  std::optional<GgufPreTokenizer> found = FindGgufPreTokenizer(name.value_or(""));
  if (!found) return metadata.Wanted(Key("pre"), "a pre-tokenizer that we know");
  return *std::move(found);
}

StatusOr<TokenizerParts> BuildByteLevel(const GgufMetadata& metadata,
                                        const GgufVocabulary& vocabulary) {
  QUIRE_ASSIGN_OR_RETURN(const GgufPreTokenizer pre, ReadPreTokenizer(metadata));
  std::vector<std::string> texts;
  for (std::size_t id = 0; id < vocabulary.size(); ++id) texts.emplace_back(vocabulary.text(id));
  QUIRE_ASSIGN_OR_RETURN(TokenizerParts parts,
                         StartParts(metadata, vocabulary, texts, json{{"type", "ByteLevel"}}));
  if (pre.normalizes_nfc) {
    const json nfc = {{"type", "NFC"}};
    QUIRE_ASSIGN_OR_RETURN(parts.normalizer, NewNormalizer(JsonField(nfc, "normalizer")));
  }
  QUIRE_ASSIGN_OR_RETURN(PreTokenizerSetup setup,
                         NewPreTokenizer(JsonField(pre.pre_tokenizer, "pre_tokenizer")));
  parts.pre_tokenizer = std::move(setup.pre_tokenizer);
  BpeModel::Options options;
  options.byte_level = true;
  options.ignore_merges = pre.ignore_merges;
  options.is_special = SpecialTokens(parts);
  QUIRE_ASSIGN_OR_RETURN(const auto merges, ReadMerges(metadata));
  QUIRE_ASSIGN_OR_RETURN(parts.model, BpeModel::Create(*parts.vocabulary, merges, options,
                                                       metadata.path() + ": tokenizer.ggml"));
  Around around{.bos = {}, .eos = {}, .add_bos = pre.add_bos, .add_eos = false};
  QUIRE_ASSIGN_OR_RETURN(around.bos, vocabulary.TokenOr("bos_token_id", -1));
  QUIRE_ASSIGN_OR_RETURN(around.eos, vocabulary.TokenOr("eos_token_id", -1));
  QUIRE_RETURN_IF_ERROR(SetFrame(metadata, around, parts));
  return parts;
}

// The format marks words by "▁" and leaves "##" away; tokens in brackets are as they were.
std::string WordPieceText(std::string_view text) {
  if (text.starts_with(kMetaspace)) return std::string(text.substr(kMetaspace.size()));
  if (text.starts_with('[') && text.ends_with(']')) return std::string(text);
  return fmt::format("##{}", text);
}

StatusOr<json> MakeBertNormalizer(const GgufMetadata& metadata) {
  QUIRE_ASSIGN_OR_RETURN(const auto lowercase, metadata.Bool(Key("normalizer.lowercase")));
  QUIRE_ASSIGN_OR_RETURN(const auto strip, metadata.Bool(Key("normalizer.strip_accents")));
  json spec = {{"type", "BertNormalizer"}, {"lowercase", lowercase.value_or(true)}};
  if (strip) spec["strip_accents"] = *strip;
  return spec;
}

StatusOr<TokenizerParts> BuildWordPiece(const GgufMetadata& metadata,
                                        const GgufVocabulary& vocabulary) {
  std::vector<std::string> texts;
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    texts.push_back(vocabulary.type(id) == Type::kNormal ? WordPieceText(vocabulary.text(id))
                                                         : std::string(vocabulary.text(id)));
  }
  QUIRE_ASSIGN_OR_RETURN(
      TokenizerParts parts,
      StartParts(metadata, vocabulary, texts, json{{"type", "WordPiece"}, {"prefix", "##"}}));
  QUIRE_ASSIGN_OR_RETURN(const json normalizer, MakeBertNormalizer(metadata));
  QUIRE_ASSIGN_OR_RETURN(parts.normalizer, NewNormalizer(JsonField(normalizer, "normalizer")));
  const json pre_tokenizer = {{"type", "BertPreTokenizer"}};
  QUIRE_ASSIGN_OR_RETURN(PreTokenizerSetup setup,
                         NewPreTokenizer(JsonField(pre_tokenizer, "pre_tokenizer")));
  parts.pre_tokenizer = std::move(setup.pre_tokenizer);
  WordPieceModel::Options options;
  options.is_special = SpecialTokens(parts);
  QUIRE_ASSIGN_OR_RETURN(const auto unknown, vocabulary.TokenOr("unknown_token_id", 100));
  if (unknown) options.unknown_token = parts.vocabulary->Text(*unknown);
  QUIRE_ASSIGN_OR_RETURN(parts.model,
                         WordPieceModel::Create(*parts.vocabulary, options, metadata.path()));
  // [CLS] text [SEP], whatever the file says about BOS and EOS.
  QUIRE_ASSIGN_OR_RETURN(const auto cls, vocabulary.TokenOr("cls_token_id", 101));
  QUIRE_ASSIGN_OR_RETURN(const auto bos, vocabulary.TokenOr("bos_token_id", cls.value_or(-1)));
  QUIRE_ASSIGN_OR_RETURN(const auto sep, vocabulary.TokenOr("seperator_token_id", 102));
  if (bos) parts.frame.before.push_back(*bos);
  if (sep) parts.frame.after.push_back(*sep);
  return parts;
}

}  // namespace

StatusOr<TokenizerParts> BuildGgufTokenizer(const GgufMetadata& metadata) {
  QUIRE_ASSIGN_OR_RETURN(const auto model, metadata.String(Key("model")));
  if (!model) return NotFound("{}: wanted a tokenizer, have none", metadata.path());
  QUIRE_ASSIGN_OR_RETURN(const GgufVocabulary vocabulary, GgufVocabulary::Read(metadata));
  if (*model == "llama") return BuildSentencePiece(metadata, vocabulary, /*is_unigram=*/false);
  if (*model == "t5") return BuildSentencePiece(metadata, vocabulary, /*is_unigram=*/true);
  if (*model == "gpt2") return BuildByteLevel(metadata, vocabulary);
  if (*model == "bert") return BuildWordPiece(metadata, vocabulary);
  return metadata.Wanted(Key("model"), "llama, t5, gpt2 or bert");
}

}  // namespace quire::engine
