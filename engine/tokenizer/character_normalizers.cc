#include "engine/tokenizer/character_normalizers.h"

#include <unicode/uchar.h>

#include "base/utf8.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/unicode.h"
#include "engine/tokenizer/unicode_normalizer.h"

namespace quire::engine {
namespace {

// Rewrites `text` character by character: `rewrite(c, out)` appends what replaces `c`, and
// returns false to keep it.
template <typename Rewrite>
void RewriteCharacters(AlignedText& text, Rewrite rewrite) {
  const std::string& source = text.text();
  AlignedTextBuilder builder(text);
  std::string replacement;
  std::size_t kept_begin = 0;
  for (std::size_t at = 0; at < source.size();) {
    const DecodedChar c = DecodeUtf8(source, at);
    const std::size_t end = at + static_cast<std::size_t>(c.length_bytes);
    replacement.clear();
    if (rewrite(c.code_point, replacement)) {
      if (kept_begin < at) builder.Copy(kept_begin, at);
      builder.Replace(at, end, replacement);
      kept_begin = end;
    }
    at = end;
  }
  if (kept_begin == 0) return;
  builder.Copy(kept_begin, source.size());
  text = std::move(builder).Build();
}

bool ToLower(char32_t c, std::string& out) {
  if ((Classify(c) & kHasLowerCase) == 0) return false;
  // The one character whose lower case is two characters in every language.
  constexpr char32_t kCapitalIWithDot = 0x130;
  if (c == kCapitalIWithDot) {
    out = "i\u0307";
    return true;
  }
  AppendUtf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))), out);
  return true;
}

class LowercaseNormalizer final : public Normalizer {
 public:
  void Normalize(AlignedText& text) const override { RewriteCharacters(text, ToLower); }
};

class StripAccentsNormalizer final : public Normalizer {
 public:
  void Normalize(AlignedText& text) const override {
    RewriteCharacters(text, [](char32_t c, std::string&) { return (Classify(c) & kAccent) != 0; });
  }
};

class StripNormalizer final : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}

  void Normalize(AlignedText& text) const override {
    const std::string& source = text.text();
    std::size_t begin = source.size();
    std::size_t end = 0;
    for (std::size_t at = 0; at < source.size();) {
      const DecodedChar c = DecodeUtf8(source, at);
      const std::size_t next = at + static_cast<std::size_t>(c.length_bytes);
      if (!IsWhitespace(c.code_point)) {
        begin = std::min(begin, at);
        end = next;
      }
      at = next;
    }
    if (!left_) begin = 0;
    if (!right_) end = source.size();
    AlignedTextBuilder builder(text);
    if (begin < end) builder.Copy(begin, end);
    text = std::move(builder).Build();
  }

 private:
  const bool left_;
  const bool right_;
};

class BertNormalizer final : public Normalizer {
 public:
  BertNormalizer(const BertNormalizerOptions& options, std::unique_ptr<UnicodeNormalizer> decompose)
      : options_(options), decompose_(std::move(decompose)) {}

  void Normalize(AlignedText& text) const override {
    // Characters that need no decomposition go through all steps one by one.
    if (!options_.strip_accents || decompose_->Keeps(text.text())) {
      return RewriteCharacters(text,
                               [this](char32_t c, std::string& out) { return AllSteps(c, out); });
    }
    RewriteCharacters(text, [this](char32_t c, std::string& out) { return CleanUp(c, out); });
    if (options_.strip_accents) {
      decompose_->Normalize(text);
      RewriteCharacters(text,
                        [](char32_t c, std::string&) { return (Classify(c) & kBertAccent) != 0; });
    }
    if (options_.lowercase) RewriteCharacters(text, ToLower);
  }

 private:
  bool AllSteps(char32_t c, std::string& out) const {
    // What it writes has no accent and no lower case.
    if (CleanUp(c, out)) return true;
    if (options_.strip_accents && (Classify(c) & kBertAccent) != 0) return true;
    return options_.lowercase && ToLower(c, out);
  }

  bool CleanUp(char32_t c, std::string& out) const {
    if (options_.clean_text) {
      const CharClasses classes = Classify(c);
      if ((classes & kWhitespace) != 0) {
        if (c == ' ') return false;
        out = " ";
        // Vertical tab and form feed are whitespace to Unicode, but controls to BERT.
        if (c == '\v' || c == '\f' || c == 0x85) out.clear();
        return true;
      }
      if (c == kReplacementCharacter || (classes & kBertControl) != 0) return true;
    }
    if (!options_.space_cjk || !IsCjkIdeograph(c)) return false;
    out = " ";
    AppendUtf8(c, out);
    out += ' ';
    return true;
  }

  const BertNormalizerOptions options_;
  const std::unique_ptr<UnicodeNormalizer> decompose_;
};

// Source: Hugging Face tokenizers, normalizers/unicode.rs.
class NmtNormalizer final : public Normalizer {
 public:
  void Normalize(AlignedText& text) const override { RewriteCharacters(text, CleanUp); }

 private:
  static bool CleanUp(char32_t c, std::string& out) {
    const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
    if (in(0x01, 0x08) || c == 0x0B || in(0x0E, 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F) {
      return true;
    }
    const bool is_space = in(0x09, 0x0D) || c == 0x1680 || in(0x200B, 0x200F) ||
                          in(0x2028, 0x2029) || c == 0x2581 || c == 0xFEFF ||
                          c == kReplacementCharacter;
    if (is_space) out = " ";
    return is_space;
  }
};

class ByteLevelNormalizer final : public Normalizer {
 public:
  void Normalize(AlignedText& text) const override {
    const std::string& source = text.text();
    AlignedTextBuilder builder(text);
    std::size_t kept = 0;
    for (std::size_t at = 0; at < source.size(); ++at) {
      const std::string_view spelled = SpellByte(static_cast<unsigned char>(source[at]));
      if (spelled.size() == 1 && spelled.front() == source[at]) continue;
      builder.Copy(kept, at);
      builder.Replace(at, at + 1, spelled);
      kept = at + 1;
    }
    builder.Copy(kept, source.size());
    text = std::move(builder).Build();
  }
};

}  // namespace

std::unique_ptr<Normalizer> NewLowercaseNormalizer() {
  return std::make_unique<LowercaseNormalizer>();
}

std::unique_ptr<Normalizer> NewStripAccentsNormalizer() {
  return std::make_unique<StripAccentsNormalizer>();
}

std::unique_ptr<Normalizer> NewStripNormalizer(bool left, bool right) {
  return std::make_unique<StripNormalizer>(left, right);
}

std::unique_ptr<Normalizer> NewNmtNormalizer() { return std::make_unique<NmtNormalizer>(); }

std::unique_ptr<Normalizer> NewByteLevelNormalizer() {
  return std::make_unique<ByteLevelNormalizer>();
}

StatusOr<std::unique_ptr<Normalizer>> NewBertNormalizer(const BertNormalizerOptions& options) {
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<UnicodeNormalizer> decompose,
                         NewUnicodeNormalizer(NormalizationForm::kNfd));
  return std::make_unique<BertNormalizer>(options, std::move(decompose));
}

}  // namespace quire::engine
