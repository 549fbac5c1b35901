#pragma once

#include <memory>

#include "engine/tokenizer/normalizer.h"

// Normalizers that look at one character at a time.

namespace quire::engine {

struct BertNormalizerOptions {
  bool clean_text = true;     // drop controls, turn whitespace into spaces
  bool space_cjk = true;      // spaces around CJK ideographs
  bool strip_accents = true;  // decompose, then drop nonspacing marks
  bool lowercase = true;
};

// Default lower case of each character, without regard to its neighbours.
std::unique_ptr<Normalizer> NewLowercaseNormalizer();
// Drops all marks. Decomposes nothing: NFD comes before it.
std::unique_ptr<Normalizer> NewStripAccentsNormalizer();
// Drops whitespace at the ends.
std::unique_ptr<Normalizer> NewStripNormalizer(bool left, bool right);
StatusOr<std::unique_ptr<Normalizer>> NewBertNormalizer(const BertNormalizerOptions& options);
// Drops controls and turns rarer whitespace into spaces, as machine translation models do.
std::unique_ptr<Normalizer> NewNmtNormalizer();
// Spells every byte in the byte-level alphabet.
std::unique_ptr<Normalizer> NewByteLevelNormalizer();

}  // namespace quire::engine
