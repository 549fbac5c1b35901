#pragma once

#include <memory>

#include "base/status.h"
#include "engine/tokenizer/aligned_text.h"
#include "engine/tokenizer/json_field.h"

namespace quire::engine {

// One step of tokenizer.json's "normalizer": rewrites a text and keeps its alignment. Requires
// valid UTF-8.
//
// Thread-safe: immutable.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void Normalize(AlignedText& text) const = 0;
};

// Builds the normalizer that `spec` describes. Supports Sequence, Prepend, Replace, NFC, NFD, NFKC,
// NFKD, Lowercase, StripAccents, Strip, BertNormalizer, Nmt, ByteLevel and Precompiled;
// INVALID_ARGUMENT for others.
StatusOr<std::unique_ptr<Normalizer>> NewNormalizer(const JsonField& spec);

}  // namespace quire::engine
