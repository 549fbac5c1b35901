#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/byte_pieces.h"
#include "engine/tokenizer/piece_cache.h"
#include "engine/tokenizer/piece_trie.h"
#include "engine/tokenizer/subword_model.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {

// Unigram language model: of all ways to cut a text into pieces, the one whose scores have the
// largest sum, found by Viterbi's algorithm. A character that is no piece costs ten more than the
// worst piece.
// Source: Kudo 2018, "Subword Regularization", section 3.2; as SentencePiece and Hugging Face
// tokenizers compute it.
//
// Takes O(n m) for n characters and pieces of at most m bytes.
class UnigramModel final : public SubwordModel {
 public:
  struct Options {
    std::vector<double> scores = {};  // by id
    // By id: pieces that text may become. Control tokens, byte tokens and unused pieces may not.
    std::vector<bool> usable = {};
    // The lowest score of a piece; a character that is none costs 10 more.
    double min_score = 0.0;
    std::optional<TokenId> unknown_id = {};  // none: unknown characters are dropped
    bool byte_fallback = false;              // unknown characters become "<0xNN>" tokens
    // Sums are rounded to single precision, as SentencePiece does. In long texts that decides
    // between ways that are as good.
    bool single_precision = false;
  };

  // INVALID_ARGUMENT starting with `place` if a score is no finite number, or the pieces are too
  // many bytes.
  static StatusOr<std::unique_ptr<UnigramModel>> Create(const Vocabulary& vocabulary,
                                                        Options options, std::string_view place);

  void Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const override;

 private:
  explicit UnigramModel(Options options) : options_(std::move(options)) {}

  // The best way to reach an offset. `id` is kUnknown for a character that is no piece.
  template <typename Score>
  struct Node {
    Score score;
    std::uint32_t begin;
    TokenId id;
  };

  template <typename Score>
  void Cut(std::string_view text, std::vector<SubwordToken>& tokens) const;
  template <typename Score>
  void FindBestPaths(std::string_view text, Node<Score>* nodes) const;
  void AppendUnknown(std::string_view text, std::uint32_t begin, std::uint32_t end,
                     std::vector<SubwordToken>& tokens) const;

  const Options options_;
  PieceTrie trie_;
  std::optional<BytePieces> byte_ids_;  // with byte_fallback
  mutable PieceCache cache_;
};

}  // namespace quire::engine
