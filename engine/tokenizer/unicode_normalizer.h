#pragma once

#include <memory>

#include "engine/tokenizer/normalizer.h"

namespace quire::engine {

enum class NormalizationForm { kNfc, kNfd, kNfkc, kNfkd };

// Normalization forms of UAX #15, by ICU.
StatusOr<std::unique_ptr<Normalizer>> NewUnicodeNormalizer(NormalizationForm form);

}  // namespace quire::engine
