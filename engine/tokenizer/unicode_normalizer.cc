#include "engine/tokenizer/unicode_normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/edits.h>
#include <unicode/normalizer2.h>

#include <algorithm>
#include <string>

namespace quire::engine {
namespace {

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 128; });
}

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

class UnicodeNormalizer final : public Normalizer {
 public:
  explicit UnicodeNormalizer(const icu::Normalizer2& icu_normalizer) : icu_(icu_normalizer) {}

  void Normalize(AlignedText& text) const override {
    if (IsAscii(text.text())) return;
    std::string normalized;
    icu::StringByteSink<std::string> sink(&normalized);
    icu::Edits edits;
    UErrorCode error = U_ZERO_ERROR;
    icu_.normalizeUTF8(0, icu::StringPiece(text.text()), sink, &edits, error);
    if (U_FAILURE(error) || !edits.hasChanges()) return;
    AlignedTextBuilder builder(text);
    icu::Edits::Iterator edit = edits.getFineIterator();
    while (edit.next(error)) {
      const auto begin = static_cast<std::size_t>(edit.sourceIndex());
      const auto end = begin + static_cast<std::size_t>(edit.oldLength());
      if (edit.hasChange()) {
        builder.Replace(begin, end,
                        std::string_view(normalized)
                            .substr(static_cast<std::size_t>(edit.destinationIndex()),
                                    static_cast<std::size_t>(edit.newLength())));
      } else {
        builder.Copy(begin, end);
      }
    }
    text = std::move(builder).Build();
  }

 private:
  const icu::Normalizer2& icu_;  // a singleton of ICU
};

}  // namespace

StatusOr<std::unique_ptr<Normalizer>> NewUnicodeNormalizer(NormalizationForm form) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* instance = Instance(form, error);
  if (U_FAILURE(error) || instance == nullptr) {
    return Internal("ICU normalizer: wanted its tables, have {}", u_errorName(error));
  }
  return std::make_unique<UnicodeNormalizer>(*instance);
}

}  // namespace quire::engine
