#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/tokenizer/charsmap.h"
#include "engine/tokenizer/normalizer.h"

// Normalizers by the replacement rules of SentencePiece.

namespace quire::engine {

// tokenizer.json's "Precompiled". Applies rules to grapheme clusters of up to five bytes and else
// to characters, as Hugging Face does: the shortest rule at its beginning replaces the whole.
std::unique_ptr<Normalizer> NewPrecompiledNormalizer(Charsmap charsmap);

// What a SentencePiece model file says about its normalization.
struct SentencePieceNormalization {
  Charsmap charsmap = {};
  bool add_dummy_prefix = true;          // a space before the text
  bool remove_extra_whitespaces = true;  // none around the text, one between words
  bool escape_whitespaces = true;        // spaces become "▁"
  bool whitespace_is_suffix = false;     // the dummy space goes behind the text
  // Texts that no rule touches.
  std::vector<std::string_view> user_defined = {};
};

// The normalizer of SentencePiece itself: at each place the longest user-defined symbol, else the
// longest rule. Source: SentencePiece, normalizer.cc.
std::unique_ptr<Normalizer> NewSentencePieceNormalizer(SentencePieceNormalization spec);

}  // namespace quire::engine
