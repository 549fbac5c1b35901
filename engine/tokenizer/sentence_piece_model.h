#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// A SentencePiece model as its file describes it (sentencepiece_model.proto), nothing checked but
// the form. Texts are borrowed from the file's bytes.
struct SentencePieceModel {
  enum class Algorithm { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };
  enum class PieceType {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6
  };
  struct Piece {
    std::string_view text = {};
    float score = 0.0f;
    PieceType type = PieceType::kNormal;
  };

  std::vector<Piece> pieces = {};  // by id
  Algorithm algorithm = Algorithm::kUnigram;
  bool byte_fallback = false;
  std::int32_t bos_id = 1;  // -1: none
  std::int32_t eos_id = 2;
  std::string_view unknown_surface = " \u2047 ";  // what decoding makes of the unknown token
  std::string_view charsmap = {};
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool whitespace_is_suffix = false;
  bool single_precision = true;  // sums of scores, as SentencePiece computes them
};

// Reads the bytes of a tokenizer.model. INVALID_ARGUMENT starting with `place` and naming the field
// if it is no such message, or an enum has a value we do not know.
StatusOr<SentencePieceModel> ParseSentencePieceModel(std::string_view bytes,
                                                     const std::string& place);

}  // namespace quire::engine
