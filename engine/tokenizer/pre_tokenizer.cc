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

using Steps = std::vector<std::unique_ptr<PreTokenizer>>;

// Cuts by steps[first], its parts by the next step, and so on.
void CutBySteps(const Steps& steps, std::size_t first, std::string_view piece, MatchVisitor visit) {
  if (first == steps.size()) return visit({0, piece.size()});
  if (first + 1 == steps.size()) return steps[first]->Cut(piece, visit);
  steps[first]->Cut(piece, [&](const Match& part) {
    CutBySteps(steps, first + 1, piece.substr(part.begin, part.end - part.begin),
               [&](const Match& inner) {
                 visit({part.begin + inner.begin, part.begin + inner.end});
               });
  });
}

class SequencePreTokenizer final : public PreTokenizer {
 public:
  // `num_whole` steps need the whole text: the last that rewrites it, and those before it.
  SequencePreTokenizer(Steps steps, std::size_t num_whole)
      : steps_(std::move(steps)), num_whole_(num_whole) {}

  void Rewrite(PreTokenizedText& text) const override {
    for (std::size_t i = 0; i + 1 < num_whole_; ++i) steps_[i]->Split(text);
    if (num_whole_ > 0) steps_[num_whole_ - 1]->Rewrite(text);
  }
  void Cut(std::string_view piece, MatchVisitor visit) const override {
    CutBySteps(steps_, num_whole_ > 0 ? num_whole_ - 1 : 0, piece, visit);
  }

 private:
  const Steps steps_;
  const std::size_t num_whole_;
};

class PatternSplit final : public PreTokenizer {
 public:
  PatternSplit(std::unique_ptr<SplitPattern> pattern, SplitRule rule)
      : pattern_(std::move(pattern)), rule_(rule) {}

  void Cut(std::string_view piece, MatchVisitor visit) const override {
    MatchCutter cutter(piece.size(), rule_, visit);
    pattern_->ForEachMatch(piece, [&cutter](const Match& match) { cutter.Add(match); });
    cutter.Finish();
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
  void Rewrite(PreTokenizedText& text) const override {
    RewritePieces(text, [&](const PreTokenizedText::Piece& piece, bool, AlignedTextBuilder& out) {
      if (!text.Text(piece).starts_with(' ')) out.Replace(piece.begin, piece.begin, " ");
      out.Copy(piece.begin, piece.end);
    });
  }
  void Cut(std::string_view piece, MatchVisitor visit) const override { visit({0, piece.size()}); }
};

// Steps behind ByteLevel: they see the spelling of the bytes in the byte-level alphabet, in which
// "¼" is a number though it stands for the second byte of "ü". They cut, and rewrite nothing.
class SpelledSteps final : public PreTokenizer {
 public:
  explicit SpelledSteps(Steps steps) : steps_(std::move(steps)) {}

  void Cut(std::string_view piece, MatchVisitor visit) const override {
    std::string letters;
    std::vector<std::size_t> byte_at;  // offsets into the piece by offset into `letters`
    for (std::size_t at = 0; at < piece.size(); ++at) {
      letters += SpellByte(static_cast<unsigned char>(piece[at]));
      byte_at.resize(letters.size(), at);
    }
    CutBySteps(steps_, 0, letters, [&](const Match& part) {
      visit({byte_at[part.begin], byte_at[part.end - 1] + 1});
    });
  }

 private:
  const Steps steps_;
};

class Metaspace final : public PreTokenizer {
 public:
  enum class Prepend { kFirst, kNever, kAlways };

  Metaspace(std::string replacement, Prepend prepend, bool split)
      : replacement_(std::move(replacement)), prepend_(prepend), split_(split) {}

  void Rewrite(PreTokenizedText& text) const override {
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
  }
  void Cut(std::string_view piece, MatchVisitor visit) const override {
    if (!split_) return visit({0, piece.size()});
    MatchCutter cutter(piece.size(), {.behavior = SplitBehavior::kMergedWithNext}, visit);
    for (std::size_t at = piece.find(replacement_); at != std::string_view::npos;
         at = piece.find(replacement_, at + replacement_.size())) {
      cutter.Add({at, at + replacement_.size()});
    }
    cutter.Finish();
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
  Steps steps;
  if (add_prefix_space) steps.push_back(std::make_unique<PrefixSpace>());
  if (use_regex) {
    steps.push_back(std::make_unique<PatternSplit>(NewGpt2Scanner(), SplitRule{}));
  }
  return PreTokenizerSetup{.pre_tokenizer = std::make_unique<SequencePreTokenizer>(
                               std::move(steps), add_prefix_space ? 1 : 0),
                           .byte_level = true,
                           .rewrites = add_prefix_space};
}

StatusOr<PreTokenizerSetup> NewPreTokenizerSequence(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField list, spec.Get("pretokenizers"));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list.Elements());
  Steps steps;
  Steps spelled_steps;
  std::size_t num_whole = 0;
  PreTokenizerSetup setup;
  for (const JsonField& element : elements) {
    QUIRE_ASSIGN_OR_RETURN(PreTokenizerSetup step, NewPreTokenizer(element));
    if (setup.byte_level && (step.byte_level || step.rewrites)) {
      return element.Wanted("splits alone after ByteLevel");
    }
    (setup.byte_level ? spelled_steps : steps).push_back(std::move(step.pre_tokenizer));
    setup.byte_level |= step.byte_level;
    setup.rewrites |= step.rewrites;
    if (step.rewrites) num_whole = steps.size();
  }
  if (!spelled_steps.empty()) {
    steps.push_back(std::make_unique<SpelledSteps>(std::move(spelled_steps)));
  }
  setup.pre_tokenizer = std::make_unique<SequencePreTokenizer>(std::move(steps), num_whole);
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

void PreTokenizer::Split(PreTokenizedText& text) const {
  Rewrite(text);
  std::vector<PreTokenizedText::Piece> pieces;
  pieces.reserve(text.pieces.size());
  for (const PreTokenizedText::Piece& piece : text.pieces) {
    if (piece.token != PreTokenizedText::kNoToken) {
      pieces.push_back(piece);
      continue;
    }
    Cut(text.Text(piece), [&](const Match& part) {
      pieces.push_back({piece.begin + part.begin, piece.begin + part.end});
    });
  }
  text.pieces = std::move(pieces);
}

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
