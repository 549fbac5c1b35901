#pragma once

#include <memory>
#include <string_view>

#include "engine/tokenizer/normalizer.h"

namespace quire::engine {

enum class NormalizationForm { kNfc, kNfd, kNfkc, kNfkd };

// Normalization forms of UAX #15.
class UnicodeNormalizer : public Normalizer {
 public:
  // True if every character of `text` stays as it is, whatever stands beside it. False for some
  // texts that stay as they are.
  virtual bool Keeps(std::string_view text) const = 0;
};

// By ICU.
StatusOr<std::unique_ptr<UnicodeNormalizer>> NewUnicodeNormalizer(NormalizationForm form);

}  // namespace quire::engine
