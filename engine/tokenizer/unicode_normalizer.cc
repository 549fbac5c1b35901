#include "engine/tokenizer/unicode_normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/edits.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/unorm2.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "engine/tokenizer/character_set.h"
#include "engine/tokenizer/split_pattern.h"
#include "engine/tokenizer/unicode.h"

namespace quire::engine {
namespace {

const icu::Normalizer2* Instance(NormalizationForm form, UErrorCode& error) {
  switch (form) {
    case NormalizationForm::kNfc:
      return icu::Normalizer2::getNFCInstance(error);
    case NormalizationForm::kNfd:
      return icu::Normalizer2::getNFDInstance(error);
    case NormalizationForm::kNfkc:
      return icu::Normalizer2::getNFKCInstance(error);
    case NormalizationForm::kNfkd:
      return icu::Normalizer2::getNFKDInstance(error);
  }
  return nullptr;
}

// The characters that the tables of `tokenizers` know, those of Unicode 9. It leaves all others
// alone, and so do we: a vocabulary was trained on what it made of texts.
const icu::UnicodeSet& KnownCharacters() {
  static const icu::UnicodeSet* const known = [] {
    UErrorCode error = U_ZERO_ERROR;
    auto* set = new icu::UnicodeSet(u"[:age=9.0:]", error);
    set->freeze();
    return set;
  }();
  return *known;
}

// Longest run of combining marks that ICU is given as it stands. ICU sorts a run by insertion; real
// text has a handful.
constexpr std::size_t kMaxMarks = 64;

std::uint8_t AskForCombiningClass(char32_t c) {
  const auto code_point = static_cast<UChar32>(c);
  return KnownCharacters().contains(code_point) ? u_getCombiningClass(code_point) : 0;
}

// The combining class of a character; 0 if it does not combine or is not known.
std::uint8_t CombiningClass(char32_t c) {
  static constexpr std::size_t kTableSize = 0x10000;  // the basic multilingual plane
  static const auto* const table = [] {
    auto* classes = new std::array<std::uint8_t, kTableSize>();
    for (std::size_t i = 0; i < kTableSize; ++i) {
      (*classes)[i] = AskForCombiningClass(static_cast<char32_t>(i));
    }
    return classes;
  }();
  return c < kTableSize ? (*table)[c] : AskForCombiningClass(c);
}

// Calls `visit(combining_class, bytes)` for the marks that `c` is; false if it is none. Three vowel
// signs have class 0 themselves, but every normalization form makes two marks of them.
template <typename Visit>
bool ForEachMark(char32_t c, std::string_view bytes, Visit visit) {
  switch (c) {
    case 0x0F73:
      visit(129, "\u0F71");
      visit(130, "\u0F72");
      return true;
    case 0x0F75:
      visit(129, "\u0F71");
      visit(132, "\u0F74");
      return true;
    case 0x0F81:
      visit(129, "\u0F71");
      visit(130, "\u0F80");
      return true;
    default:
      break;
  }
  const std::uint8_t combining_class = CombiningClass(c);
  if (combining_class != 0) visit(combining_class, bytes);
  return combining_class != 0;
}

// A run of marks in the order of their classes.
std::string Sorted(std::string_view run) {
  std::array<std::string, 256> by_class;
  for (std::size_t at = 0, end = 0; at < run.size(); at = end) {
    const DecodedChar c = DecodeUtf8(run, at);
    end = at + static_cast<std::size_t>(c.length_bytes);
    ForEachMark(c.code_point, run.substr(at, end - at),
                [&](std::uint8_t combining_class, std::string_view bytes) {
                  by_class[combining_class] += bytes;
                });
  }
  std::string sorted;
  for (const std::string& marks : by_class) sorted += marks;
  return sorted;
}

// Puts long runs of combining marks into canonical order, which is what normalization begins with,
// so that no text makes ICU's sorting quadratic.
void SortLongMarkRuns(AlignedText& text) {
  const std::string& source = text.text();
  AlignedTextBuilder builder(text);
  std::size_t kept = 0;
  std::size_t run = 0;  // where the run of marks at hand begins
  std::size_t num_marks = 0;
  for (std::size_t at = 0, end = 0; at <= source.size(); at = end) {
    bool is_mark = false;
    end = at + 1;
    if (at < source.size()) {
      const DecodedChar c = DecodeUtf8(source, at);
      end = at + static_cast<std::size_t>(c.length_bytes);
      is_mark = ForEachMark(c.code_point, {}, [&](std::uint8_t, std::string_view) { ++num_marks; });
    }
    if (is_mark) continue;
    if (num_marks > kMaxMarks) {
      builder.Copy(kept, run);
      builder.Replace(run, at, Sorted(std::string_view(source).substr(run, at - run)));
      kept = at;
    }
    num_marks = 0;
    run = end;
  }
  if (kept == 0) return;
  builder.Copy(kept, source.size());
  text = std::move(builder).Build();
}

UProperty QuickCheckOf(NormalizationForm form) {
  switch (form) {
    case NormalizationForm::kNfc:
      return UCHAR_NFC_QUICK_CHECK;
    case NormalizationForm::kNfd:
      return UCHAR_NFD_QUICK_CHECK;
    case NormalizationForm::kNfkc:
      return UCHAR_NFKC_QUICK_CHECK;
    case NormalizationForm::kNfkd:
      break;
  }
  return UCHAR_NFKD_QUICK_CHECK;
}

// The characters of the basic multilingual plane that a form leaves as they are, whatever stands
// beside them: a text of these alone needs no normalizer.
class SettledCharacters {
 public:
  explicit SettledCharacters(NormalizationForm form)
      : settled_(CharacterSet::OfBasicPlane([quick_check = QuickCheckOf(form)](char32_t c) {
          const auto code_point = static_cast<UChar32>(c);
          return !KnownCharacters().contains(code_point) ||
                 (u_getCombiningClass(code_point) == 0 &&
                  u_getIntPropertyValue(code_point, quick_check) == UNORM_YES);
        })) {}

  bool HoldAllOf(std::string_view text) const {
    for (std::size_t at = 0; at < text.size();) {
      const DecodedChar c = DecodeUtf8(text, at);
      if (!settled_.Contains(c.code_point)) return false;
      at += static_cast<std::size_t>(c.length_bytes);
    }
    return true;
  }

  struct Stretch {
    Match place;
    std::size_t num_unsettled;  // characters
  };

  // The stretches of `text` that a form may change, in order. Each begins with the settled
  // character before it, which what follows may combine with, and ends before one: a settled
  // character never combines with what precedes it. Few settled characters do not end a stretch.
  std::vector<Stretch> StretchesBetween(std::string_view text) const {
    constexpr std::size_t kApart = 32;
    std::vector<Stretch> stretches;
    std::size_t previous = 0;
    for (std::size_t at = 0, end = 0; at < text.size(); previous = at, at = end) {
      const DecodedChar c = DecodeUtf8(text, at);
      end = at + static_cast<std::size_t>(c.length_bytes);
      if (settled_.Contains(c.code_point)) continue;
      if (stretches.empty() || previous >= stretches.back().place.end + kApart) {
        stretches.push_back({.place = {previous, end}, .num_unsettled = 1});
      } else {
        stretches.back().place.end = end;
        ++stretches.back().num_unsettled;
      }
    }
    return stretches;
  }

 private:
  const CharacterSet settled_;
};

class IcuNormalizer final : public UnicodeNormalizer {
 public:
  IcuNormalizer(const icu::Normalizer2& icu_normalizer, NormalizationForm form)
      : icu_(icu_normalizer, KnownCharacters()), settled_(form) {}

  bool Keeps(std::string_view text) const override { return settled_.HoldAllOf(text); }

  void Normalize(AlignedText& text) const override {
    auto stretches = settled_.StretchesBetween(text.text());
    if (stretches.empty()) return;
    const auto may_have_many_marks = [](const auto& s) { return s.num_unsettled > kMaxMarks; };
    if (std::ranges::any_of(stretches, may_have_many_marks)) {
      SortLongMarkRuns(text);
      stretches = settled_.StretchesBetween(text.text());
    }
    AlignedTextBuilder builder(text);
    std::size_t copied = 0;
    for (const auto& [place, num_unsettled] : stretches) {
      builder.Copy(copied, place.begin);
      AppendNormalized(text.text(), place, builder);
      copied = place.end;
    }
    builder.Copy(copied, text.text().size());
    text = std::move(builder).Build();
  }

 private:
  void AppendNormalized(std::string_view text, const Match& stretch,
                        AlignedTextBuilder& builder) const {
    std::string normalized;
    icu::StringByteSink<std::string> sink(&normalized);
    icu::Edits edits;
    UErrorCode error = U_ZERO_ERROR;
    const std::string_view source = text.substr(stretch.begin, stretch.end - stretch.begin);
    icu_.normalizeUTF8(0, icu::StringPiece(source), sink, &edits, error);
    if (U_FAILURE(error) || !edits.hasChanges()) return builder.Copy(stretch.begin, stretch.end);
    icu::Edits::Iterator edit = edits.getFineIterator();
    while (edit.next(error)) {
      const std::size_t begin = stretch.begin + static_cast<std::size_t>(edit.sourceIndex());
      const std::size_t end = begin + static_cast<std::size_t>(edit.oldLength());
      if (edit.hasChange()) {
        builder.Replace(begin, end,
                        std::string_view(normalized)
                            .substr(static_cast<std::size_t>(edit.destinationIndex()),
                                    static_cast<std::size_t>(edit.newLength())));
      } else {
        builder.Copy(begin, end);
      }
    }
  }

  const icu::FilteredNormalizer2 icu_;  // of a singleton of ICU
  const SettledCharacters settled_;
};

}  // namespace

StatusOr<std::unique_ptr<UnicodeNormalizer>> NewUnicodeNormalizer(NormalizationForm form) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* instance = Instance(form, error);
  if (U_FAILURE(error) || instance == nullptr || KnownCharacters().isEmpty()) {
    return Internal("ICU normalizer: wanted its tables, have {}", u_errorName(error));
  }
  return std::make_unique<IcuNormalizer>(*instance, form);
}

}  // namespace quire::engine
