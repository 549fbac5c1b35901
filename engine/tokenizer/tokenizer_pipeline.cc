#include "engine/tokenizer/tokenizer_pipeline.h"

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"
#include "engine/tokenizer/split_pattern.h"

namespace quire::engine {
namespace {

// `text` with invalid sequences replaced, aligned to what it was.
AlignedText ToValidUtf8(std::string_view text, bool tracked) {
  if (!tracked) return AlignedText(ReplaceInvalidUtf8(text), 0, tracked);
  AlignedText aligned(std::string(text), 0, tracked);
  const std::size_t first_invalid = FindInvalidUtf8(text);
  if (first_invalid == text.size()) return aligned;
  AlignedTextBuilder builder(aligned);
  std::size_t copied = 0;
  for (std::size_t at = first_invalid; at < text.size();) {
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

// Takes the tokens of a text: ids alone, or with their places in a tracked one.
class TokenizerPipeline::Output {
 public:
  explicit Output(bool tracked) : tracked_(tracked) {}

  bool tracked() const { return tracked_; }
  // `range` is what the token stands for; it counts if tracked.
  void Add(TokenId id, AlignedText::Range range = {}) {
    if (tracked_) {
      spans.push_back({id, range.begin, range.end});
    } else {
      ids.push_back(id);
    }
  }

  // Makes room for the tokens of the whole text, by what is usual.
  void Reserve(std::size_t text_bytes) {
    constexpr std::size_t kBytesOfToken = 3;
    if (!tracked_) ids.reserve(ids.size() + text_bytes / kBytesOfToken);
  }

  // Adds the tokens of a part of `text` that begins at `begin`.
  void Add(const std::vector<SubwordToken>& tokens, const AlignedText& text, std::size_t begin) {
    if (!tracked_) {
      for (const SubwordToken& token : tokens) ids.push_back(token.id);
      return;
    }
    for (const SubwordToken& token : tokens) {
      AlignedText::Range range;
      if (token.begin < token.end) range = text.Origin(begin + token.begin, begin + token.end);
      spans.push_back({token.id, range.begin, range.end});
    }
  }

  std::vector<TokenId> ids;      // if not tracked
  std::vector<TokenSpan> spans;  // if tracked

 private:
  const bool tracked_;
};

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
  Output output(/*tracked=*/false);
  EncodeFramed(text, options, output);
  return std::move(output.ids);
}

std::vector<TokenSpan> TokenizerPipeline::EncodeWithSpans(std::string_view text,
                                                          const EncodeOptions& options) const {
  Output output(/*tracked=*/true);
  EncodeFramed(text, options, output);
  return std::move(output.spans);
}

void TokenizerPipeline::EncodeFramed(std::string_view text, const EncodeOptions& options,
                                     Output& output) const {
  if (options.add_special_tokens) {
    for (const TokenId id : parts_.frame.before) output.Add(id);
  }
  const bool parse_special = options.parse_special_tokens;
  EncodeText(
      ToValidUtf8(text, output.tracked()),
      [parse_special](std::size_t, std::size_t) { return parse_special; }, output);
  if (options.add_special_tokens) {
    const auto end = static_cast<std::uint32_t>(text.size());
    for (const TokenId id : parts_.frame.after) output.Add(id, {end, end});
  }
}

std::vector<TokenId> TokenizerPipeline::EncodeSegments(
    std::span<const TextSegment> segments) const {
  const JoinedSegments joined = Join(segments);
  // Only tokens that are looked for after normalization need their place in the original.
  const bool tracked = parts_.added_tokens.has_normalized_special();
  Output output(tracked);
  EncodeText(
      AlignedText(joined.text, 0, tracked),
      [&joined](std::size_t begin, std::size_t end) { return joined.IsTemplate(begin, end); },
      output);
  for (const TokenSpan& span : output.spans) output.ids.push_back(span.id);
  return std::move(output.ids);
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

void TokenizerPipeline::EncodeText(AlignedText text, const AddedTokens::AllowSpecial& allow_special,
                                   Output& output) const {
  output.Reserve(text.text().size());
  // Before normalization, offsets of the text are those of the original.
  const auto pieces = parts_.added_tokens.Split(
      text.text(), AddedTokens::Stage::kBeforeNormalization, allow_special);
  for (const PreTokenizedText::Piece& piece : pieces) {
    if (piece.token == PreTokenizedText::kNoToken && pieces.size() == 1) {
      EncodeStretch(std::move(text), /*starts_input=*/true, allow_special, output);
    } else if (piece.token == PreTokenizedText::kNoToken) {
      EncodeStretch(text.Slice(piece.begin, piece.end), piece.begin == 0, allow_special, output);
    } else {
      output.Add(piece.token,
                 output.tracked() ? text.Origin(piece.begin, piece.end) : AlignedText::Range{});
    }
  }
}

void TokenizerPipeline::EncodeStretch(AlignedText text, bool starts_input,
                                      const AddedTokens::AllowSpecial& allow_special,
                                      Output& output) const {
  if (parts_.normalizer != nullptr) parts_.normalizer->Normalize(text);
  PreTokenizedText work;
  work.pieces = parts_.added_tokens.Split(text.text(), AddedTokens::Stage::kAfterNormalization,
                                          [&](std::size_t begin, std::size_t end) {
                                            if (!output.tracked()) return allow_special(begin, end);
                                            const AlignedText::Range range =
                                                text.Origin(begin, end);
                                            return allow_special(range.begin, range.end);
                                          });
  work.text = std::move(text);
  work.starts_input = starts_input;
  if (parts_.pre_tokenizer != nullptr) parts_.pre_tokenizer->Rewrite(work);
  // Parts go to the model as they are cut: a list of all of them would outgrow the caches.
  std::vector<SubwordToken> tokens;
  for (const PreTokenizedText::Piece& piece : work.pieces) {
    const std::string_view piece_text = work.Text(piece);
    const auto encode = [&](const Match& part) {
      tokens.clear();
      parts_.model->Tokenize(piece_text.substr(part.begin, part.end - part.begin), tokens);
      output.Add(tokens, work.text, piece.begin + part.begin);
    };
    if (piece.token != PreTokenizedText::kNoToken) {
      output.Add(piece.token, output.tracked() ? work.text.Origin(piece.begin, piece.end)
                                               : AlignedText::Range{});
    } else if (parts_.pre_tokenizer != nullptr) {
      parts_.pre_tokenizer->Cut(piece_text, encode);
    } else {
      encode({0, piece_text.size()});
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
