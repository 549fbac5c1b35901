#include "engine/tokenizer/added_tokens.h"

#include <algorithm>

#include "base/utf8.h"
#include "engine/tokenizer/unicode.h"

namespace quire::engine {
namespace {

// The character that ends at text[end].
char32_t CharacterBefore(std::string_view text, std::size_t end, std::size_t* begin) {
  *begin = PreviousUtf8Offset(text, end);
  return DecodeUtf8(text, *begin).code_point;
}

bool AdjoinsWord(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t unused = 0;
  return (begin > 0 && IsWordCharacter(CharacterBefore(text, begin, &unused))) ||
         (end < text.size() && IsWordCharacter(DecodeUtf8(text, end).code_point));
}

std::size_t SkipWhitespaceLeft(std::string_view text, std::size_t end, std::size_t limit) {
  while (end > limit) {
    std::size_t begin = 0;
    if (!IsWhitespace(CharacterBefore(text, end, &begin))) break;
    end = begin;
  }
  return end;
}

std::size_t SkipWhitespaceRight(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const DecodedChar c = DecodeUtf8(text, begin);
    if (!IsWhitespace(c.code_point)) break;
    begin += static_cast<std::size_t>(c.length_bytes);
  }
  return begin;
}

Status CheckAgainstVocabulary(const AddedToken& token, const Vocabulary& vocabulary,
                              std::string_view place) {
  if (token.id < 0 || token.id >= Vocabulary::kMaxSize) {
    return InvalidArgument("{}: added token \"{}\": wanted an id in [0, {}), have {}", place,
                           token.content, Vocabulary::kMaxSize, token.id);
  }
  if (token.content.empty()) {
    return InvalidArgument("{}: added token {}: wanted a content, have none", place, token.id);
  }
  if (vocabulary.Contains(token.id) && vocabulary.Text(token.id) != token.content) {
    return InvalidArgument("{}: added token \"{}\": wanted a free id, have {} of \"{}\"", place,
                           token.content, token.id, vocabulary.Text(token.id));
  }
  const std::optional<TokenId> known = vocabulary.Find(token.content);
  if (known && *known != token.id) {
    return InvalidArgument("{}: added token \"{}\": wanted id {} of the vocabulary, have {}", place,
                           token.content, *known, token.id);
  }
  return OkStatus();
}

}  // namespace

StatusOr<AddedToken> ParseAddedToken(const JsonField& spec, TokenId id) {
  AddedToken token;
  token.id = id;
  QUIRE_ASSIGN_OR_RETURN(const JsonField content, spec.Get("content"));
  QUIRE_ASSIGN_OR_RETURN(token.content, content.String());
  QUIRE_ASSIGN_OR_RETURN(token.single_word, spec.BoolOr("single_word", false));
  QUIRE_ASSIGN_OR_RETURN(token.lstrip, spec.BoolOr("lstrip", false));
  QUIRE_ASSIGN_OR_RETURN(token.rstrip, spec.BoolOr("rstrip", false));
  QUIRE_ASSIGN_OR_RETURN(token.special, spec.BoolOr("special", false));
  QUIRE_ASSIGN_OR_RETURN(token.normalized, spec.BoolOr("normalized", !token.special));
  return token;
}

StatusOr<AddedTokens> AddedTokens::Create(std::vector<AddedToken> tokens,
                                          const Vocabulary& vocabulary,
                                          const Normalizer* normalizer, std::string_view place) {
  AddedTokens result;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const AddedToken& token = tokens[i];
    QUIRE_RETURN_IF_ERROR(CheckAgainstVocabulary(token, vocabulary, place));
    if (!result.by_id_.emplace(token.id, i).second ||
        !result.by_content_.emplace(token.content, i).second) {
      return InvalidArgument("{}: added token {} \"{}\": wanted once, have twice", place, token.id,
                             token.content);
    }
    if (!token.normalized) {
      result.before_normalization_.Insert(token.content, i);
      continue;
    }
    result.has_normalized_special_ |= token.special;
    AlignedText text(token.content, 0, /*tracked=*/false);
    if (normalizer != nullptr) normalizer->Normalize(text);
    if (!text.text().empty()) result.after_normalization_.Insert(text.text(), i);
  }
  result.tokens_ = std::move(tokens);
  return result;
}

std::vector<PreTokenizedText::Piece> AddedTokens::Split(std::string_view text, Stage stage,
                                                        const AllowSpecial& allow_special) const {
  const TokenTrie& trie =
      stage == Stage::kBeforeNormalization ? before_normalization_ : after_normalization_;
  std::vector<PreTokenizedText::Piece> pieces;
  std::size_t done = 0;
  for (std::size_t at = 0; (at = trie.FindStart(text, at)) < text.size();) {
    const AddedToken* token = nullptr;
    std::size_t end = at;
    trie.ForEachAt(text, at, [&](const TokenTrie::Entry& entry) {
      const AddedToken& candidate = tokens_[entry.value];
      if (candidate.special && !allow_special(at, at + entry.length_bytes)) return;
      token = &candidate;
      end = at + entry.length_bytes;
    });
    if (token == nullptr) {
      ++at;
      continue;
    }
    std::size_t begin = at;
    at = end;
    if (token->single_word && AdjoinsWord(text, begin, end)) continue;
    if (token->lstrip) begin = SkipWhitespaceLeft(text, begin, done);
    if (token->rstrip) end = SkipWhitespaceRight(text, end);
    if (done < begin) pieces.push_back({done, begin});
    pieces.push_back({begin, end, token->id});
    at = done = end;
  }
  if (done < text.size()) pieces.push_back({done, text.size()});
  return pieces;
}

const AddedToken* AddedTokens::Find(TokenId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

const AddedToken* AddedTokens::Find(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  return found == by_content_.end() ? nullptr : &tokens_[found->second];
}

}  // namespace quire::engine
