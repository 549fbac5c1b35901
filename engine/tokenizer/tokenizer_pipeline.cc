#include "engine/tokenizer/tokenizer_pipeline.h"

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"
#include "engine/tokenizer/split_pattern.h"

namespace quire::engine {
namespace {

// `text` with invalid sequences replaced, aligned to what it was.
AlignedText ToValidUtf8(std::string_view text, bool tracked) {
  AlignedText aligned(std::string(text), 0, tracked);
  if (FindInvalidUtf8(text) == text.size()) return aligned;
  AlignedTextBuilder builder(aligned);
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar c = DecodeUtf8(text, at);
    const std::size_t end = at + static_cast<std::size_t>(c.length_bytes);
    if (!c.valid) {
      builder.Copy(copied, at);
      builder.Replace(at, end, "\uFFFD");
      copied = end;
    }
    at = end;
  }
  builder.Copy(copied, text.size());
  return std::move(builder).Build();
}

std::vector<TokenId> Ids(const std::vector<TokenSpan>& spans) {
  std::vector<TokenId> ids;
  ids.reserve(spans.size());
  for (const TokenSpan& span : spans) ids.push_back(span.id);
  return ids;
}

// A prompt's segments as one text, and the stretches of it that the template wrote.
struct JoinedSegments {
  std::string text;
  std::vector<Match> written_by_template;  // in order, no two adjoin

  bool IsTemplate(std::size_t begin, std::size_t end) const {
    const auto next = std::upper_bound(
        written_by_template.begin(), written_by_template.end(), begin,
        [](std::size_t offset, const Match& stretch) { return offset < stretch.begin; });
    return next != written_by_template.begin() && end <= std::prev(next)->end;
  }
};

// Invalid UTF-8 is replaced segment by segment: bytes of two segments never make one character.
JoinedSegments Join(std::span<const TextSegment> segments) {
  JoinedSegments joined;
  for (const TextSegment& segment : segments) {
    const std::size_t begin = joined.text.size();
    joined.text += ReplaceInvalidUtf8(segment.text);
    if (segment.kind != TextSegment::Kind::kTemplate) continue;
    auto& stretches = joined.written_by_template;
    if (!stretches.empty() && stretches.back().end == begin) {
      stretches.back().end = joined.text.size();
    } else {
      stretches.push_back({begin, joined.text.size()});
    }
  }
  return joined;
}

}  // namespace

TokenTexts BytesOfTokens(
    const TokenizerParts& parts,
    const std::function<std::string(TokenId id, std::string_view text, bool added)>& bytes_of) {
  const Vocabulary& vocabulary = *parts.vocabulary;
  std::int64_t size = vocabulary.size();
  for (const AddedToken& token : parts.added_tokens.tokens()) {
    size = std::max(size, std::int64_t{token.id} + 1);
  }
  std::vector<std::string> bytes(static_cast<std::size_t>(size));
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.Contains(id)) continue;
    bytes[static_cast<std::size_t>(id)] = bytes_of(id, vocabulary.Text(id), /*added=*/false);
  }
  for (const AddedToken& token : parts.added_tokens.tokens()) {
    bytes[static_cast<std::size_t>(token.id)] = bytes_of(token.id, token.content, /*added=*/true);
  }
  return TokenTexts(bytes);
}

std::vector<TokenId> TokenizerPipeline::Encode(std::string_view text,
                                               const EncodeOptions& options) const {
  return Ids(EncodeTracked(text, options, /*tracked=*/false));
}

std::vector<TokenSpan> TokenizerPipeline::EncodeWithSpans(std::string_view text,
                                                          const EncodeOptions& options) const {
  return EncodeTracked(text, options, /*tracked=*/true);
}

std::vector<TokenSpan> TokenizerPipeline::EncodeTracked(std::string_view text,
                                                        const EncodeOptions& options,
                                                        bool tracked) const {
  std::vector<TokenSpan> spans;
  if (options.add_special_tokens) {
    for (const TokenId id : parts_.frame.before) spans.push_back({id, 0, 0});
  }
  const bool parse_special = options.parse_special_tokens;
  EncodeText(
      ToValidUtf8(text, tracked), tracked,
      [parse_special](std::size_t, std::size_t) { return parse_special; }, spans);
  if (options.add_special_tokens) {
    const std::int64_t end = tracked ? static_cast<std::int64_t>(text.size()) : 0;
    for (const TokenId id : parts_.frame.after) spans.push_back({id, end, end});
  }
  return spans;
}

std::vector<TokenId> TokenizerPipeline::EncodeSegments(
    std::span<const TextSegment> segments) const {
  const JoinedSegments joined = Join(segments);
  // Only tokens that are looked for after normalization need their place in the original.
  const bool tracked = parts_.added_tokens.has_normalized_special();
  std::vector<TokenSpan> spans;
  EncodeText(
      AlignedText(joined.text, 0, tracked), tracked,
      [&joined](std::size_t begin, std::size_t end) { return joined.IsTemplate(begin, end); },
      spans);
  return Ids(spans);
}

StatusOr<TokenPair> TokenizerPipeline::JoinPair(std::span<const TokenId> first,
                                                std::span<const TokenId> second) const {
  if (parts_.frame.pair.empty()) return Tokenizer::JoinPair(first, second);
  TokenPair joined;
  const auto append = [&](std::span<const TokenId> ids, std::int32_t type_id) {
    joined.ids.insert(joined.ids.end(), ids.begin(), ids.end());
    joined.type_ids.insert(joined.type_ids.end(), ids.size(), type_id);
  };
  for (const PairPart& part : parts_.frame.pair) {
    switch (part.kind) {
      case PairPart::Kind::kToken:
        append({&part.id, 1}, part.type_id);
        break;
      case PairPart::Kind::kFirst:
        append(first, part.type_id);
        break;
      case PairPart::Kind::kSecond:
        append(second, part.type_id);
        break;
    }
  }
  return joined;
}

void TokenizerPipeline::EncodeText(const AlignedText& text, bool tracked,
                                   const AddedTokens::AllowSpecial& allow_special,
                                   std::vector<TokenSpan>& spans) const {
  // Before normalization, offsets of the text are those of the original.
  const auto pieces = parts_.added_tokens.Split(
      text.text(), AddedTokens::Stage::kBeforeNormalization, allow_special);
  for (const PreTokenizedText::Piece& piece : pieces) {
    if (piece.token == PreTokenizedText::kNoToken) {
      EncodeStretch(text.Slice(piece.begin, piece.end), piece.begin == 0, tracked, allow_special,
                    spans);
      continue;
    }
    TokenSpan span{piece.token, 0, 0};
    if (tracked) {
      const AlignedText::Range range = text.Origin(piece.begin, piece.end);
      span.begin = range.begin;
      span.end = range.end;
    }
    spans.push_back(span);
  }
}

void TokenizerPipeline::EncodeStretch(AlignedText text, bool starts_input, bool tracked,
                                      const AddedTokens::AllowSpecial& allow_special,
                                      std::vector<TokenSpan>& spans) const {
  if (parts_.normalizer != nullptr) parts_.normalizer->Normalize(text);
  PreTokenizedText work;
  work.pieces = parts_.added_tokens.Split(text.text(), AddedTokens::Stage::kAfterNormalization,
                                          [&](std::size_t begin, std::size_t end) {
                                            if (!tracked) return allow_special(begin, end);
                                            const AlignedText::Range range =
                                                text.Origin(begin, end);
                                            return allow_special(range.begin, range.end);
                                          });
  work.text = std::move(text);
  work.starts_input = starts_input;
  if (parts_.pre_tokenizer != nullptr) parts_.pre_tokenizer->Split(work);
  std::vector<SubwordToken> tokens;
  for (const PreTokenizedText::Piece& piece : work.pieces) {
    tokens.clear();
    if (piece.token == PreTokenizedText::kNoToken) {
      parts_.model->Tokenize(work.Text(piece), tokens);
    } else {
      tokens.push_back({piece.token, 0, static_cast<std::uint32_t>(piece.end - piece.begin)});
    }
    for (const SubwordToken& token : tokens) {
      TokenSpan span{token.id, 0, 0};
      if (tracked && token.begin < token.end) {
        const AlignedText::Range range =
            work.text.Origin(piece.begin + token.begin, piece.begin + token.end);
        span.begin = range.begin;
        span.end = range.end;
      }
      spans.push_back(span);
    }
  }
}

StatusOr<std::string> TokenizerPipeline::Decode(std::span<const TokenId> ids,
                                                bool skip_special_tokens) const {
  std::string bytes;
  TokenId previous = PreTokenizedText::kNoToken;
  bool is_first = true;
  for (const TokenId id : ids) {
    if (id < 0 || id >= vocab_size()) {
      return InvalidArgument("token id: wanted one in [0, {}), have {}", vocab_size(), id);
    }
    if (skip_special_tokens && IsSpecial(id)) continue;
    if (parts_.drops_repeats && id == previous) continue;
    previous = id;
    if (!is_first) {
      bytes += parts_.token_bytes[id];
      continue;
    }
    bytes += FirstBytes(id);
    is_first = parts_.token_bytes[id].empty() || (parts_.first_until_text && bytes.empty());
  }
  if (parts_.strips_trailing_space && bytes.ends_with(' ')) bytes.pop_back();
  return ReplaceInvalidUtf8(bytes);
}

std::string TokenizerPipeline::TokenBytes(TokenId id) const {
  QUIRE_DCHECK(id >= 0 && id < vocab_size());
  return IsSpecial(id) ? std::string() : std::string(parts_.token_bytes[id]);
}

std::string TokenizerPipeline::FirstTokenBytes(TokenId id) const {
  QUIRE_DCHECK(id >= 0 && id < vocab_size());
  return IsSpecial(id) ? std::string() : std::string(FirstBytes(id));
}

std::string_view TokenizerPipeline::FirstBytes(TokenId id) const {
  if (parts_.first_bytes.size() > 0) return parts_.first_bytes[id];
  std::string_view bytes = parts_.token_bytes[id];
  if (parts_.strips_leading_space && bytes.starts_with(' ')) bytes.remove_prefix(1);
  return bytes;
}

bool TokenizerPipeline::IsSpecial(TokenId id) const {
  const AddedToken* token = parts_.added_tokens.Find(id);
  return token != nullptr && token->special;
}

std::optional<TokenId> TokenizerPipeline::FindToken(std::string_view token) const {
  if (const AddedToken* added = parts_.added_tokens.Find(token)) return added->id;
  return parts_.vocabulary->Find(token);
}

std::string TokenizerPipeline::TokenText(TokenId id) const {
  if (const AddedToken* added = parts_.added_tokens.Find(id)) return added->content;
  return id < parts_.vocabulary->size() ? std::string(parts_.vocabulary->Text(id)) : std::string();
}

}  // namespace quire::engine
