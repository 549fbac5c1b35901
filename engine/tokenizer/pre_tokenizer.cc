#include "engine/tokenizer/pre_tokenizer.h"

#include <string>

#include "base/utf8.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/character_pre_tokenizers.h"
#include "engine/tokenizer/piece_splitting.h"
#include "engine/tokenizer/split_pattern.h"
#include "engine/tokenizer/split_scanners.h"

namespace quire::engine {
namespace {

class SequencePreTokenizer final : public PreTokenizer {
 public:
  explicit SequencePreTokenizer(std::vector<std::unique_ptr<PreTokenizer>> steps)
      : steps_(std::move(steps)) {}
  void Split(PreTokenizedText& text) const override {
    for (const auto& step : steps_) step->Split(text);
  }

 private:
  const std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

class PatternSplit final : public PreTokenizer {
 public:
  PatternSplit(std::unique_ptr<SplitPattern> pattern, SplitRule rule)
      : pattern_(std::move(pattern)), rule_(rule) {}

  void Split(PreTokenizedText& text) const override {
    std::vector<Match> matches;
    RefinePieces(text, [&](std::string_view piece, std::vector<Match>& parts) {
      matches.clear();
      pattern_->FindMatches(piece, matches);
      CutAtMatches(piece.size(), matches, rule_, parts);
    });
  }

 private:
  const std::unique_ptr<SplitPattern> pattern_;
  const SplitRule rule_;
};

// Rewrites every piece that is no added token: `rewrite(piece, is_first, builder)`.
template <typename Rewrite>
void RewritePieces(PreTokenizedText& text, Rewrite rewrite) {
  AlignedTextBuilder builder(text.text);
  for (std::size_t i = 0; i < text.pieces.size(); ++i) {
    PreTokenizedText::Piece& piece = text.pieces[i];
    const std::size_t begin = builder.size();
    if (piece.token == PreTokenizedText::kNoToken) {
      rewrite(piece, i == 0, builder);
    } else {
      builder.Copy(piece.begin, piece.end);
    }
    piece.begin = begin;
    piece.end = builder.size();
  }
  text.text = std::move(builder).Build();
}

// ByteLevel: at most a space in front of each piece. The bytes stay as they are, because the
// vocabulary was translated from the byte-level alphabet at load.
class PrefixSpace final : public PreTokenizer {
 public:
  void Split(PreTokenizedText& text) const override {
    RewritePieces(text, [&](const PreTokenizedText::Piece& piece, bool, AlignedTextBuilder& out) {
      if (!text.Text(piece).starts_with(' ')) out.Replace(piece.begin, piece.begin, " ");
      out.Copy(piece.begin, piece.end);
    });
  }
};

// Steps behind ByteLevel: they see the spelling of the bytes in the byte-level alphabet, in which
// "¼" is a number though it stands for the second byte of "ü". They cut, and rewrite nothing.
class SpelledSteps final : public PreTokenizer {
 public:
  explicit SpelledSteps(std::vector<std::unique_ptr<PreTokenizer>> steps)
      : steps_(std::move(steps)) {}

  void Split(PreTokenizedText& text) const override {
    PreTokenizedText spelled;
    std::string letters;
    std::vector<std::size_t> byte_at;  // offsets into the text by offset into `letters`
    for (const PreTokenizedText::Piece& piece : text.pieces) {
      const std::size_t begin = letters.size();
      for (std::size_t at = piece.begin; at < piece.end; ++at) {
        letters += SpellByte(static_cast<unsigned char>(text.text.text()[at]));
        byte_at.resize(letters.size(), at);
      }
      spelled.pieces.push_back({begin, letters.size(), piece.token});
    }
    spelled.text = AlignedText(std::move(letters), 0, /*tracked=*/false);
    spelled.starts_input = text.starts_input;
    for (const auto& step : steps_) step->Split(spelled);
    for (PreTokenizedText::Piece& piece : spelled.pieces) {
      piece.begin = byte_at[piece.begin];
      piece.end = byte_at[piece.end - 1] + 1;
    }
    text.pieces = std::move(spelled.pieces);
  }

 private:
  const std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

class Metaspace final : public PreTokenizer {
 public:
  enum class Prepend { kFirst, kNever, kAlways };

  Metaspace(std::string replacement, Prepend prepend, bool split)
      : replacement_(std::move(replacement)), prepend_(prepend), split_(split) {}

  void Split(PreTokenizedText& text) const override {
    RewritePieces(text, [&](const PreTokenizedText::Piece& piece, bool is_first,
                            AlignedTextBuilder& out) {
      const std::string_view old = text.Text(piece);
      const bool prepend = prepend_ == Prepend::kAlways ||
                           (prepend_ == Prepend::kFirst && is_first && text.starts_input);
      if (prepend && !old.starts_with(' ') && !old.starts_with(replacement_)) {
        out.Replace(piece.begin, piece.begin, replacement_);
      }
      std::size_t done = 0;
      for (std::size_t at = old.find(' '); at != std::string_view::npos; at = old.find(' ', done)) {
        out.Copy(piece.begin + done, piece.begin + at);
        out.Replace(piece.begin + at, piece.begin + at + 1, replacement_);
        done = at + 1;
      }
      out.Copy(piece.begin + done, piece.end);
    });
    if (!split_) return;
    RefinePieces(text, [&](std::string_view piece, std::vector<Match>& parts) {
      std::vector<Match> matches;
      for (std::size_t at = piece.find(replacement_); at != std::string_view::npos;
           at = piece.find(replacement_, at + replacement_.size())) {
        matches.push_back({at, at + replacement_.size()});
      }
      CutAtMatches(piece.size(), matches, {.behavior = SplitBehavior::kMergedWithNext}, parts);
    });
  }

 private:
  const std::string replacement_;
  const Prepend prepend_;
  const bool split_;
};

StatusOr<SplitBehavior> ParseBehavior(const JsonField& spec) {
  const std::optional<JsonField> field = spec.Find("behavior");
  if (!field) return SplitBehavior::kIsolated;
  QUIRE_ASSIGN_OR_RETURN(const std::string behavior, field->String());
  if (behavior == "Removed") return SplitBehavior::kRemoved;
  if (behavior == "Isolated") return SplitBehavior::kIsolated;
  if (behavior == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (behavior == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (behavior == "Contiguous") return SplitBehavior::kContiguous;
  return field->Wanted("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

StatusOr<std::unique_ptr<PreTokenizer>> NewSplit(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField pattern_field, spec.Get("pattern"));
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<SplitPattern> pattern, NewSplitPattern(pattern_field));
  SplitRule rule;
  QUIRE_ASSIGN_OR_RETURN(rule.behavior, ParseBehavior(spec));
  QUIRE_ASSIGN_OR_RETURN(rule.invert, spec.BoolOr("invert", false));
  return std::make_unique<PatternSplit>(std::move(pattern), rule);
}

StatusOr<std::unique_ptr<PreTokenizer>> NewMetaspace(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(std::string replacement, spec.StringOr("replacement", "▁"));
  if (replacement.empty()) return spec.Wanted("a replacement that is not empty");
  QUIRE_ASSIGN_OR_RETURN(const bool split, spec.BoolOr("split", true));
  // Older files have add_prefix_space instead of prepend_scheme.
  QUIRE_ASSIGN_OR_RETURN(const bool add_prefix_space, spec.BoolOr("add_prefix_space", true));
  QUIRE_ASSIGN_OR_RETURN(const std::string scheme,
                         spec.StringOr("prepend_scheme", add_prefix_space ? "always" : "never"));
  Metaspace::Prepend prepend = Metaspace::Prepend::kAlways;
  if (scheme == "first") {
    prepend = Metaspace::Prepend::kFirst;
  } else if (scheme == "never") {
    prepend = Metaspace::Prepend::kNever;
  } else if (scheme != "always") {
    return spec.Wanted("a prepend_scheme of first, never or always");
  }
  return std::make_unique<Metaspace>(std::move(replacement), prepend, split);
}

StatusOr<PreTokenizerSetup> NewByteLevel(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const bool add_prefix_space, spec.BoolOr("add_prefix_space", true));
  QUIRE_ASSIGN_OR_RETURN(const bool use_regex, spec.BoolOr("use_regex", true));
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  if (add_prefix_space) steps.push_back(std::make_unique<PrefixSpace>());
  if (use_regex) {
    steps.push_back(std::make_unique<PatternSplit>(NewGpt2Scanner(), SplitRule{}));
  }
  return PreTokenizerSetup{
      .pre_tokenizer = std::make_unique<SequencePreTokenizer>(std::move(steps)),
      .byte_level = true,
      .rewrites = add_prefix_space};
}

StatusOr<PreTokenizerSetup> NewPreTokenizerSequence(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField list, spec.Get("pretokenizers"));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list.Elements());
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  std::vector<std::unique_ptr<PreTokenizer>> spelled_steps;
  PreTokenizerSetup setup;
  for (const JsonField& element : elements) {
    QUIRE_ASSIGN_OR_RETURN(PreTokenizerSetup step, NewPreTokenizer(element));
    if (setup.byte_level && (step.byte_level || step.rewrites)) {
      return element.Wanted("splits alone after ByteLevel");
    }
    (setup.byte_level ? spelled_steps : steps).push_back(std::move(step.pre_tokenizer));
    setup.byte_level |= step.byte_level;
    setup.rewrites |= step.rewrites;
  }
  if (!spelled_steps.empty()) {
    steps.push_back(std::make_unique<SpelledSteps>(std::move(spelled_steps)));
  }
  setup.pre_tokenizer = std::make_unique<SequencePreTokenizer>(std::move(steps));
  return setup;
}

StatusOr<std::unique_ptr<PreTokenizer>> NewCharDelimiterSplit(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField field, spec.Get("delimiter"));
  QUIRE_ASSIGN_OR_RETURN(std::string delimiter, field.String());
  if (!IsOneCharacter(delimiter)) return field.Wanted("one character");
  return std::make_unique<PatternSplit>(NewStringPattern(std::move(delimiter)),
                                        SplitRule{.behavior = SplitBehavior::kRemoved});
}

StatusOr<std::unique_ptr<PreTokenizer>> NewFixedLength(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t length, spec.IntegerOr("length", 5));
  if (length < 1) return spec.Wanted("a length of at least 1");
  return NewFixedLengthPreTokenizer(static_cast<std::size_t>(length));
}

StatusOr<std::unique_ptr<PreTokenizer>> NewByCharacters(const JsonField& spec,
                                                        const std::string& type) {
  if (type == "BertPreTokenizer") return NewBertPreTokenizer();
  if (type == "Whitespace") return NewWhitespacePreTokenizer();
  if (type == "WhitespaceSplit") return NewWhitespaceSplitPreTokenizer();
  if (type == "Digits") {
    QUIRE_ASSIGN_OR_RETURN(const bool individual, spec.BoolOr("individual_digits", false));
    return NewDigitsPreTokenizer(individual);
  }
  QUIRE_ASSIGN_OR_RETURN(const SplitBehavior behavior, ParseBehavior(spec));
  return NewPunctuationPreTokenizer(behavior);
}

StatusOr<std::unique_ptr<PreTokenizer>> NewTextPreTokenizer(const JsonField& spec,
                                                            const JsonField& type_field,
                                                            const std::string& type) {
  if (type == "Split") return NewSplit(spec);
  if (type == "Metaspace") return NewMetaspace(spec);
  if (type == "CharDelimiterSplit") return NewCharDelimiterSplit(spec);
  if (type == "UnicodeScripts") return NewUnicodeScriptsPreTokenizer();
  if (type == "FixedLength") return NewFixedLength(spec);
  if (type == "BertPreTokenizer" || type == "Whitespace" || type == "WhitespaceSplit" ||
      type == "Digits" || type == "Punctuation") {
    return NewByCharacters(spec, type);
  }
  return type_field.Wanted(
      "Sequence, ByteLevel, Split, Metaspace, BertPreTokenizer, Whitespace, WhitespaceSplit, "
      "Digits, Punctuation, CharDelimiterSplit, UnicodeScripts or FixedLength");
}

}  // namespace

StatusOr<PreTokenizerSetup> NewPreTokenizer(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField type_field, spec.Get("type"));
  QUIRE_ASSIGN_OR_RETURN(const std::string type, type_field.String());
  if (type == "Sequence") return NewPreTokenizerSequence(spec);
  if (type == "ByteLevel") return NewByteLevel(spec);
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<PreTokenizer> step,
                         NewTextPreTokenizer(spec, type_field, type));
  return PreTokenizerSetup{
      .pre_tokenizer = std::move(step), .byte_level = false, .rewrites = type == "Metaspace"};
}

}  // namespace quire::engine
