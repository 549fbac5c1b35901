#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/aligned_text.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/split_pattern.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// A text cut into pieces: those the model will tokenize one by one, and added tokens that were
// recognized before. Text outside of all pieces is dropped.
struct PreTokenizedText {
  static constexpr TokenId kNoToken = -1;

  struct Piece {
    std::size_t begin = 0;  // [begin, end) of `text`
    std::size_t end = 0;
    TokenId token = kNoToken;  // set: an added token, not to be touched any more
  };

  std::string_view Text(const Piece& piece) const {
    return std::string_view(text.text()).substr(piece.begin, piece.end - piece.begin);
  }

  AlignedText text;
  std::vector<Piece> pieces;  // in order, none empty
  bool starts_input = false;  // the text stands at the beginning of the input
};

// One step of tokenizer.json's "pre_tokenizer": may rewrite a text, and cuts its pieces into
// smaller ones.
//
// Thread-safe: immutable.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // The part of the work that needs the whole text. Before Cut, which its pieces are given to.
  virtual void Rewrite(PreTokenizedText& /*text*/) const {}
  // Visits the parts of one piece, in order, none empty, and without memory for all of them: a
  // megabyte may be as many parts. What no part holds is dropped.
  virtual void Cut(std::string_view piece, MatchVisitor visit) const = 0;

  // Both, for all pieces that are no added tokens.
  void Split(PreTokenizedText& text) const;
};

struct PreTokenizerSetup {
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // null: pieces stay as they are
  // The model works on bytes, its vocabulary is written in the byte-level alphabet.
  bool byte_level = false;
  bool rewrites = false;  // the text, not only where it is cut
};

// Builds the pre-tokenizer that `spec` describes. Supports Sequence, ByteLevel (with splits alone
// behind it), Split, Metaspace, BertPreTokenizer, Whitespace, WhitespaceSplit, Digits, Punctuation,
// CharDelimiterSplit, UnicodeScripts and FixedLength; INVALID_ARGUMENT for others.
StatusOr<PreTokenizerSetup> NewPreTokenizer(const JsonField& spec);

}  // namespace quire::engine
