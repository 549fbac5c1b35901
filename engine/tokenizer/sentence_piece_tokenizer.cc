#include "engine/tokenizer/sentence_piece_tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "base/mapped_file.h"
#include "engine/tokenizer/bpe_model.h"
#include "engine/tokenizer/metaspace.h"
#include "engine/tokenizer/sentence_piece_normalizer.h"
#include "engine/tokenizer/tokenizer_config.h"
#include "engine/tokenizer/unigram_model.h"

namespace quire::engine {
namespace {

using Algorithm = SentencePieceModel::Algorithm;
using Piece = SentencePieceModel::Piece;
using Type = SentencePieceModel::PieceType;

// More than ten times the largest file in use.
constexpr std::size_t kMaxModelFileBytes = std::size_t{64} << 20;

StatusOr<std::unique_ptr<const Vocabulary>> NewVocabulary(const SentencePieceModel& model,
                                                          const std::string& place) {
  if (model.pieces.empty()) {
    return InvalidArgument("{} wanted a SentencePiece model, have no pieces", place);
  }
  std::vector<std::pair<std::string, TokenId>> tokens;
  tokens.reserve(model.pieces.size());
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    if (model.pieces[id].text.empty()) {
      return InvalidArgument("{} pieces[{}]: wanted a text, have none", place, id);
    }
    tokens.emplace_back(model.pieces[id].text, static_cast<TokenId>(id));
  }
  return Vocabulary::Create(tokens, place + " pieces");
}

// Nothing if no piece is the unknown one.
StatusOr<std::optional<TokenId>> FindUnknown(const SentencePieceModel& model,
                                             const std::string& place) {
  std::optional<TokenId> unknown;
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    if (model.pieces[id].type != Type::kUnknown) continue;
    if (unknown) {
      return InvalidArgument("{} pieces: wanted one of type unknown, have {} and {}", place,
                             *unknown, id);
    }
    unknown = static_cast<TokenId>(id);
  }
  return unknown;
}

StatusOr<std::unique_ptr<Normalizer>> NewModelNormalizer(const SentencePieceModel& model,
                                                         const std::string& place) {
  SentencePieceNormalization spec;
  QUIRE_ASSIGN_OR_RETURN(
      spec.charsmap,
      Charsmap::Parse(model.charsmap, place + " normalizer_spec.precompiled_charsmap"));
  spec.add_dummy_prefix = model.add_dummy_prefix;
  spec.remove_extra_whitespaces = model.remove_extra_whitespaces;
  spec.escape_whitespaces = model.escape_whitespaces;
  spec.whitespace_is_suffix = model.whitespace_is_suffix;
  for (const Piece& piece : model.pieces) {
    if (piece.type == Type::kUserDefined) spec.user_defined.push_back(piece.text);
  }
  return NewSentencePieceNormalizer(std::move(spec));
}

StatusOr<std::unique_ptr<SubwordModel>> NewUnigram(const SentencePieceModel& model,
                                                   const Vocabulary& vocabulary,
                                                   std::optional<TokenId> unknown,
                                                   const std::string& place) {
  UnigramModel::Options options;
  options.unknown_id = unknown;
  options.byte_fallback = model.byte_fallback;
  options.single_precision = model.single_precision;
  float min_score = std::numeric_limits<float>::max();
  for (const Piece& piece : model.pieces) {
    if (piece.type != Type::kNormal) continue;
    min_score = std::min(min_score, piece.score);
  }
  options.min_score = min_score;
  for (const Piece& piece : model.pieces) {
    options.usable.push_back(piece.type == Type::kNormal || piece.type == Type::kUserDefined);
    // A user-defined symbol beats all of negative score, and longer ones beat shorter ones.
    options.scores.push_back(piece.type == Type::kUserDefined
                                 ? 0.1 * (static_cast<double>(piece.text.size()) - 1)
                                 : piece.score);
  }
  return UnigramModel::Create(vocabulary, std::move(options), place + " pieces");
}

StatusOr<std::unique_ptr<SubwordModel>> NewBpe(const SentencePieceModel& model,
                                               const Vocabulary& vocabulary,
                                               std::optional<TokenId> unknown,
                                               const std::string& place) {
  BpeModel::Options options;
  options.byte_fallback = model.byte_fallback;
  options.fuse_unknown = true;
  if (unknown) options.unknown_token = vocabulary.Text(*unknown);
  BpeModel::ScoredPieces pieces;
  for (const Piece& piece : model.pieces) {
    pieces.scores.push_back(piece.score);
    pieces.usable.push_back(piece.type == Type::kNormal || piece.type == Type::kUserDefined ||
                            piece.type == Type::kUnused);
    pieces.unused.push_back(piece.type == Type::kUnused);
  }
  return BpeModel::CreateScored(vocabulary, pieces, options, place + " pieces");
}

StatusOr<std::unique_ptr<SubwordModel>> NewModel(const SentencePieceModel& model,
                                                 const Vocabulary& vocabulary,
                                                 const std::string& place) {
  QUIRE_ASSIGN_OR_RETURN(const std::optional<TokenId> unknown, FindUnknown(model, place));
  switch (model.algorithm) {
    case Algorithm::kUnigram:
      return NewUnigram(model, vocabulary, unknown, place);
    case Algorithm::kBpe:
      return NewBpe(model, vocabulary, unknown, place);
    case Algorithm::kWord:
    case Algorithm::kChar:
      break;
  }
  return InvalidArgument("{} trainer_spec.model_type: wanted UNIGRAM or BPE, have {}", place,
                         model.algorithm == Algorithm::kWord ? "WORD" : "CHAR");
}

// Control tokens, and the user-defined symbols that a BPE model never cuts or merges. Both are
// looked for as they are spelled in the vocabulary.
std::vector<AddedToken> AddedPieces(const SentencePieceModel& model) {
  std::vector<AddedToken> tokens;
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const Piece& piece = model.pieces[id];
    const bool is_control = piece.type == Type::kControl;
    const bool is_symbol = piece.type == Type::kUserDefined && model.algorithm == Algorithm::kBpe;
    if (!is_control && !is_symbol) continue;
    AddedToken token;
    token.id = static_cast<TokenId>(id);
    token.content = piece.text;
    token.special = is_control;
    token.normalized = is_symbol;
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::string DecodePiece(const SentencePieceModel& model, const Piece& piece, bool is_first) {
  if (piece.type == Type::kUnknown) return std::string(model.unknown_surface);
  if (piece.type == Type::kControl) return std::string(piece.text);
  if (piece.type == Type::kByte) {
    if (const auto byte = ByteOfPiece(piece.text)) return std::string(1, static_cast<char>(*byte));
  }
  std::string text(piece.text);
  if (is_first && text.starts_with(kMetaspace)) text.erase(0, kMetaspace.size());
  for (std::size_t at = text.find(kMetaspace); at != text.npos; at = text.find(kMetaspace, at)) {
    text.replace(at, kMetaspace.size(), " ");
  }
  return text;
}

TokenTexts DecodePieces(const SentencePieceModel& model, const TokenizerParts& parts,
                        bool is_first) {
  return BytesOfTokens(parts, [&](TokenId id, std::string_view text, bool) {
    const auto index = static_cast<std::size_t>(id);
    return index < model.pieces.size() ? DecodePiece(model, model.pieces[index], is_first)
                                       : std::string(text);
  });
}

}  // namespace

StatusOr<TokenizerParts> BuildSentencePieceTokenizer(const SentencePieceModel& model,
                                                     std::vector<AddedToken> more,
                                                     const std::string& place) {
  TokenizerParts parts;
  QUIRE_ASSIGN_OR_RETURN(parts.vocabulary, NewVocabulary(model, place));
  QUIRE_ASSIGN_OR_RETURN(parts.normalizer, NewModelNormalizer(model, place));
  QUIRE_ASSIGN_OR_RETURN(parts.model, NewModel(model, *parts.vocabulary, place));
  // What the caller says about a piece counts.
  for (AddedToken& piece : AddedPieces(model)) {
    const bool known = std::any_of(more.begin(), more.end(), [&](const AddedToken& token) {
      return token.id == piece.id || token.content == piece.content;
    });
    if (!known) more.push_back(std::move(piece));
  }
  QUIRE_ASSIGN_OR_RETURN(parts.added_tokens,
                         AddedTokens::Create(std::move(more), *parts.vocabulary,
                                             /*normalizer=*/nullptr, place + " added tokens"));
  parts.token_bytes = DecodePieces(model, parts, /*is_first=*/false);
  parts.strips_leading_space = model.add_dummy_prefix || model.remove_extra_whitespaces;
  if (parts.strips_leading_space) {
    parts.first_bytes = DecodePieces(model, parts, /*is_first=*/true);
    parts.first_until_text = model.remove_extra_whitespaces;
  }
  return parts;
}

StatusOr<TokenizerParts> LoadSentencePieceTokenizer(const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / "tokenizer.model").string();
  QUIRE_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxModelFileBytes));
  QUIRE_ASSIGN_OR_RETURN(const SentencePieceModel model,
                         ParseSentencePieceModel(bytes, path + ":"));
  QUIRE_ASSIGN_OR_RETURN(const TokenizerConfig config, TokenizerConfig::Load(directory));
  std::vector<AddedToken> more;
  QUIRE_RETURN_IF_ERROR(config.AppendAddedTokens(more));
  QUIRE_ASSIGN_OR_RETURN(TokenizerParts parts,
                         BuildSentencePieceTokenizer(model, std::move(more), path + ":"));
  const auto named = [&](std::string_view name,
                         std::int32_t id) -> StatusOr<std::optional<TokenId>> {
    if (config.has(name)) {
      return config.FindNamedToken(name, parts.added_tokens, *parts.vocabulary);
    }
    return parts.vocabulary->Contains(id) ? std::optional<TokenId>(id) : std::nullopt;
  };
  QUIRE_ASSIGN_OR_RETURN(parts.bos_token_id, named("bos_token", model.bos_id));
  QUIRE_ASSIGN_OR_RETURN(parts.eos_token_id, named("eos_token", model.eos_id));
  QUIRE_ASSIGN_OR_RETURN(const std::string tokenizer_class, config.StringOr("tokenizer_class", ""));
  const bool is_t5 = tokenizer_class.find("T5") != tokenizer_class.npos;
  QUIRE_ASSIGN_OR_RETURN(const bool add_bos, config.BoolOr("add_bos_token", !is_t5));
  QUIRE_ASSIGN_OR_RETURN(const bool add_eos, config.BoolOr("add_eos_token", is_t5));
  if (add_bos && parts.bos_token_id) parts.frame.before.push_back(*parts.bos_token_id);
  if (add_eos && parts.eos_token_id) parts.frame.after.push_back(*parts.eos_token_id);
  return parts;
}

}  // namespace quire::engine
