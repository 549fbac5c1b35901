#include "engine/tokenizer/character_pre_tokenizers.h"

#include "base/utf8.h"
#include "engine/tokenizer/scan_cursor.h"
#include "engine/tokenizer/unicode.h"

namespace quire::engine {
namespace {

// Calls `visit(c, begin, end)` for each character.
template <typename Visit>
void ForEachCharacter(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar c = DecodeUtf8(text, at);
    const std::size_t end = at + static_cast<std::size_t>(c.length_bytes);
    visit(c.code_point, at, end);
    at = end;
  }
}

// Each character of these classes is a match.
class CharacterSplit final : public PreTokenizer {
 public:
  CharacterSplit(CharClasses classes, SplitBehavior behavior)
      : classes_(classes), behavior_(behavior) {}

  void Cut(std::string_view piece, MatchVisitor visit) const override {
    MatchCutter cutter(piece.size(), {.behavior = behavior_}, visit);
    const ScanCursor cursor(piece);
    for (std::size_t at = cursor.SkipOthers(0, classes_); at < piece.size();) {
      const std::size_t end = at + cursor.At(at).length;
      cutter.Add({at, end});
      at = cursor.SkipOthers(end, classes_);
    }
    cutter.Finish();
  }

 private:
  const CharClasses classes_;
  const SplitBehavior behavior_;
};

class BertPreTokenizer final : public PreTokenizer {
 public:
  void Cut(std::string_view piece, MatchVisitor visit) const override {
    std::size_t word = 0;  // where the word at hand began
    ForEachCharacter(piece, [&](char32_t c, std::size_t begin, std::size_t end) {
      const bool punctuation = IsBertPunctuation(c);
      if (!punctuation && !IsWhitespace(c)) return;
      if (word < begin) visit({word, begin});
      if (punctuation) visit({begin, end});
      word = end;
    });
    if (word < piece.size()) visit({word, piece.size()});
  }
};

class WhitespacePreTokenizer final : public PreTokenizer {
 public:
  void Cut(std::string_view piece, MatchVisitor visit) const override {
    enum class Kind { kSpace, kWord, kOther };
    Kind previous = Kind::kSpace;
    std::size_t part = 0;  // where the characters of the kind at hand began
    ForEachCharacter(piece, [&](char32_t c, std::size_t begin, std::size_t) {
      const Kind kind = IsWordCharacter(c) ? Kind::kWord
                        : IsWhitespace(c)  ? Kind::kSpace
                                           : Kind::kOther;
      if (kind == previous) return;
      if (previous != Kind::kSpace) visit({part, begin});
      part = begin;
      previous = kind;
    });
    if (previous != Kind::kSpace) visit({part, piece.size()});
  }
};

class UnicodeScriptsPreTokenizer final : public PreTokenizer {
 public:
  void Cut(std::string_view piece, MatchVisitor visit) const override {
    int previous = kNoScript;
    std::size_t part = 0;  // where the characters of the script at hand began
    ForEachCharacter(piece, [&](char32_t c, std::size_t begin, std::size_t) {
      const int script = c == ' ' ? kNoScript : ScriptOf(IsKana(c) ? kHanCharacter : c);
      if (script == kNoScript || script == previous) return;
      if (previous != kNoScript) visit({part, begin});
      part = begin;
      previous = script;
    });
    if (previous != kNoScript) visit({part, piece.size()});
  }

 private:
  static constexpr char32_t kHanCharacter = 0x4E00;

  static bool IsKana(char32_t c) {
    // The prolonged sound mark belongs to no script of its own.
    constexpr char32_t kProlongedSoundMark = 0x30FC;
    static const int hiragana = ScriptOf(0x3042);
    static const int katakana = ScriptOf(0x30A2);
    const int script = ScriptOf(c);
    return c == kProlongedSoundMark || script == hiragana || script == katakana;
  }
};

class FixedLengthPreTokenizer final : public PreTokenizer {
 public:
  explicit FixedLengthPreTokenizer(std::size_t length) : length_(length) {}

  void Cut(std::string_view piece, MatchVisitor visit) const override {
    std::size_t count = 0;
    std::size_t part = 0;
    ForEachCharacter(piece, [&](char32_t, std::size_t begin, std::size_t) {
      if (count++ % length_ != 0 || begin == 0) return;
      visit({part, begin});
      part = begin;
    });
    visit({part, piece.size()});
  }

 private:
  const std::size_t length_;
};

}  // namespace

std::unique_ptr<PreTokenizer> NewUnicodeScriptsPreTokenizer() {
  return std::make_unique<UnicodeScriptsPreTokenizer>();
}

std::unique_ptr<PreTokenizer> NewFixedLengthPreTokenizer(std::size_t length) {
  return std::make_unique<FixedLengthPreTokenizer>(length);
}

std::unique_ptr<PreTokenizer> NewBertPreTokenizer() { return std::make_unique<BertPreTokenizer>(); }

std::unique_ptr<PreTokenizer> NewWhitespacePreTokenizer() {
  return std::make_unique<WhitespacePreTokenizer>();
}

std::unique_ptr<PreTokenizer> NewWhitespaceSplitPreTokenizer() {
  return std::make_unique<CharacterSplit>(kWhitespace, SplitBehavior::kRemoved);
}

std::unique_ptr<PreTokenizer> NewDigitsPreTokenizer(bool individual_digits) {
  return std::make_unique<CharacterSplit>(
      kNumber, individual_digits ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
}

std::unique_ptr<PreTokenizer> NewPunctuationPreTokenizer(SplitBehavior behavior) {
  return std::make_unique<CharacterSplit>(kBertPunctuation, behavior);
}

}  // namespace quire::engine
