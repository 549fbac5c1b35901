#include "engine/tokenizer/token_decoder.h"

#include <utility>

#include "base/ascii.h"
#include "base/utf8.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/byte_pieces.h"
#include "engine/tokenizer/split_pattern.h"

namespace quire::engine {
namespace {

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// "<0xNN>" becomes the byte NN.
void DecodeByteToken(std::string& token) {
  if (const auto byte = ByteOfPiece(token)) token.assign(1, static_cast<char>(*byte));
}

// Undoes the spaces that word-by-word decoding puts before punctuation and English contractions.
void CleanUpSpaces(std::string& token) {
  constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& [from, to] : kReplacements) ReplaceAll(token, from, to);
}

// Drops up to `start` copies of `content` at the beginning and `stop` at the end.
void StripCopies(std::string& token, std::string_view content, std::int64_t start,
                 std::int64_t stop) {
  for (; start > 0 && token.starts_with(content); --start) token.erase(0, content.size());
  for (; stop > 0 && token.ends_with(content); --stop) token.resize(token.size() - content.size());
}

}  // namespace

StatusOr<TokenDecoder> TokenDecoder::Create(const std::optional<JsonField>& spec) {
  TokenDecoder decoder;
  if (spec) {
    QUIRE_RETURN_IF_ERROR(decoder.AddSteps(*spec));
  } else {
    decoder.steps_.push_back([](std::string& token, Context) { token.insert(0, " "); });
    decoder.strips_leading_space_ = true;
  }
  return decoder;
}

std::string TokenDecoder::Bytes(std::string text, bool added) const {
  for (const Step& step : steps_) step(text, {.added = added, .first = false});
  return text;
}

std::string TokenDecoder::FirstBytes(std::string text, bool added) const {
  for (const Step& step : steps_) step(text, {.added = added, .first = true});
  return text;
}

Status TokenDecoder::AddSteps(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField type_field, spec.Get("type"));
  QUIRE_ASSIGN_OR_RETURN(const std::string type, type_field.String());
  if (type == "Sequence") {
    QUIRE_ASSIGN_OR_RETURN(const JsonField list, spec.Get("decoders"));
    QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list.Elements());
    for (const JsonField& element : elements) QUIRE_RETURN_IF_ERROR(AddSteps(element));
    return OkStatus();
  }
  if (type == "Fuse") {
    fused_ = true;
    return OkStatus();
  }
  if (type == "Replace") return AddReplace(spec);
  if (type == "Strip") return AddStrip(spec);
  if (fused_) return type_field.Wanted("Replace or Strip after Fuse");
  if (type == "Metaspace") return AddMetaspace(spec);
  if (type == "WordPiece") return AddWordPiece(spec);
  if (type == "BPEDecoder") return AddWordSuffix(spec);
  if (type == "CTC") return AddCtc(spec);
  if (type == "ByteFallback") {
    steps_.push_back([](std::string& token, Context) { DecodeByteToken(token); });
    return OkStatus();
  }
  if (type == "ByteLevel") {
    steps_.push_back([](std::string& token, Context context) {
      if (context.added) return;
      if (std::optional<std::string> bytes = BytesFromAlphabet(token)) token = *std::move(bytes);
    });
    return OkStatus();
  }
  return type_field.Wanted(
      "Sequence, ByteLevel, Metaspace, WordPiece, BPEDecoder, CTC, Replace, ByteFallback, Fuse or "
      "Strip");
}

Status TokenDecoder::AddReplace(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField pattern_field, spec.Get("pattern"));
  QUIRE_ASSIGN_OR_RETURN(std::shared_ptr<const SplitPattern> pattern,
                         NewSplitPattern(pattern_field));
  const std::optional<JsonField> string_field = pattern_field.Find("String");
  if (fused_ && !(string_field && IsOneCharacter(*string_field->String()))) {
    return pattern_field.Wanted("a single character after Fuse");
  }
  QUIRE_ASSIGN_OR_RETURN(const JsonField content_field, spec.Get("content"));
  QUIRE_ASSIGN_OR_RETURN(std::string content, content_field.String());
  steps_.push_back(
      [pattern = std::move(pattern), content = std::move(content)](std::string& token, Context) {
        // Earlier steps may have made single bytes of it; patterns are about characters.
        if (FindInvalidUtf8(token) < token.size()) return;
        std::vector<Match> matches;
        pattern->FindMatches(token, matches);
        for (auto match = matches.rbegin(); match != matches.rend(); ++match) {
          token.replace(match->begin, match->end - match->begin, content);
        }
      });
  return OkStatus();
}

Status TokenDecoder::AddMetaspace(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(std::string replacement, spec.StringOr("replacement", "▁"));
  if (replacement.empty()) return spec.Wanted("a replacement that is not empty");
  QUIRE_ASSIGN_OR_RETURN(const bool add_prefix_space, spec.BoolOr("add_prefix_space", true));
  QUIRE_ASSIGN_OR_RETURN(const std::string scheme,
                         spec.StringOr("prepend_scheme", add_prefix_space ? "always" : "never"));
  strips_leading_space_ = scheme != "never";
  first_differs_ |= strips_leading_space_;
  steps_.push_back([replacement = std::move(replacement), never = scheme == "never"](
                       std::string& token, Context context) {
    ReplaceAll(token, replacement, context.first && !never ? "" : " ");
  });
  return OkStatus();
}

Status TokenDecoder::AddWordPiece(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(std::string prefix, spec.StringOr("prefix", "##"));
  QUIRE_ASSIGN_OR_RETURN(const bool clean_up, spec.BoolOr("cleanup", true));
  strips_leading_space_ = first_differs_ = true;
  steps_.push_back([prefix = std::move(prefix), clean_up](std::string& token, Context context) {
    if (context.first) {
      // Stays as it is, prefix and all.
    } else if (token.starts_with(prefix)) {
      token.erase(0, prefix.size());
    } else {
      token.insert(0, " ");
    }
    if (clean_up) CleanUpSpaces(token);
  });
  return OkStatus();
}

Status TokenDecoder::AddWordSuffix(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(std::string suffix, spec.StringOr("suffix", "</w>"));
  if (suffix.empty()) return spec.Wanted("a suffix that is not empty");
  strips_trailing_space_ = true;
  steps_.push_back([suffix = std::move(suffix)](std::string& token, Context) {
    ReplaceAll(token, suffix, " ");
  });
  return OkStatus();
}

Status TokenDecoder::AddCtc(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(std::string pad, spec.StringOr("pad_token", "<pad>"));
  QUIRE_ASSIGN_OR_RETURN(std::string delimiter, spec.StringOr("word_delimiter_token", "|"));
  QUIRE_ASSIGN_OR_RETURN(const bool clean_up, spec.BoolOr("cleanup", true));
  if (pad.empty() || delimiter.empty()) return spec.Wanted("tokens that are not empty");
  drops_repeats_ = true;
  steps_.push_back([pad = std::move(pad), delimiter = std::move(delimiter), clean_up](
                       std::string& token, Context) {
    ReplaceAll(token, pad, "");
    if (!clean_up) return;
    CleanUpSpaces(token);
    ReplaceAll(token, delimiter, " ");
  });
  return OkStatus();
}

Status TokenDecoder::AddStrip(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(std::string content, spec.StringOr("content", " "));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t start, spec.IntegerOr("start", 0));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t stop, spec.IntegerOr("stop", 0));
  if (start < 0 || stop < 0) return spec.Wanted("start and stop of at least 0");
  if (!fused_) {
    steps_.push_back([content = std::move(content), start, stop](std::string& token, Context) {
      StripCopies(token, content, start, stop);
    });
    return OkStatus();
  }
  if (content != " " || start > 1 || stop != 0) {
    return spec.Wanted("at most one space stripped at the start after Fuse");
  }
  strips_leading_space_ = start == 1;
  return OkStatus();
}

}  // namespace quire::engine
