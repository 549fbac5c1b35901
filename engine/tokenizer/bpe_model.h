#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"
#include "engine/tokenizer/boundary_ranks.h"
#include "engine/tokenizer/byte_pieces.h"
#include "engine/tokenizer/merge_table.h"
#include "engine/tokenizer/piece_cache.h"
#include "engine/tokenizer/subword_model.h"
#include "engine/tokenizer/symbol_run.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {

// Byte pair encoding: starts from single characters and joins, as long as there is one, the
// neighbours whose merge has the lowest rank, the leftmost on ties.
// Source: Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword
// Units", algorithm 1, applied with the learnt merges.
//
// Takes time in proportion to a piece; a long one is merged window by window, see RunWindows.
class BpeModel final : public SubwordModel {
 public:
  struct Options {
    bool byte_level = false;     // symbols are bytes; the vocabulary spells them in the alphabet
    bool byte_fallback = false;  // unknown characters become "<0xNN>" tokens
    bool fuse_unknown = false;   // a run of unknown characters gives one unknown token
    bool ignore_merges = false;  // a piece that is a token stays whole
    std::string continuing_subword_prefix = {};
    std::string end_of_word_suffix = {};
    std::string unknown_token = {};  // empty: unknown characters are dropped
    // By id; ids beyond the end are not special. Ordinary text never becomes a special token of
    // more than one character.
    std::vector<bool> is_special = {};
  };
  // A vocabulary without merges, as SentencePiece has it; all by id.
  struct ScoredPieces {
    std::vector<float> scores;
    std::vector<bool> usable;  // pieces that text may become
    std::vector<bool> unused;  // of those, the ones that are cut into what they were merged from
  };

  // `vocabulary` must outlive the model. INVALID_ARGUMENT starting with `place` if a merge refers
  // to a piece that the vocabulary lacks.
  static StatusOr<std::unique_ptr<BpeModel>> Create(
      const Vocabulary& vocabulary, const std::vector<std::pair<std::string, std::string>>& merges,
      const Options& options, std::string_view place);
  // The same with merges by score. INVALID_ARGUMENT starting with `place` if a score is no finite
  // number or a piece is too long.
  static StatusOr<std::unique_ptr<BpeModel>> CreateScored(const Vocabulary& vocabulary,
                                                          const ScoredPieces& pieces,
                                                          const Options& options,
                                                          std::string_view place);

  void Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const override;

 private:
  using Merge = MergeTable::Merge;

  BpeModel(const Vocabulary& vocabulary, Options options)
      : options_(std::move(options)), vocab_size_(static_cast<TokenId>(vocabulary.size())) {}

  // Fills the tables but for the merges. `usable` may be null.
  Status AddPieces(const Vocabulary& vocabulary, const std::vector<bool>* usable,
                   std::string_view place);
  void SetMerges(const Vocabulary& vocabulary, MergeTable merges);
  void SetBoundaries(const Vocabulary& vocabulary);
  bool IsSpecial(TokenId id) const;
  std::optional<TokenId> FindPiece(std::string_view piece) const;

  void TokenizeWord(std::string_view word, std::vector<SubwordToken>& tokens) const;
  // Appends symbols of the word, merged as far as they go.
  void AppendMerged(std::string_view word, std::vector<SubwordToken>& tokens) const;
  // The same for word[begin, end) as if nothing were around it.
  void AppendStretch(std::string_view word, std::size_t begin, std::size_t end, SymbolRun& run,
                     std::vector<SubwordToken>& tokens) const;
  // Appends the tokens of its single characters.
  void AppendSymbols(std::string_view word, std::size_t stretch_begin, std::size_t stretch_end,
                     std::vector<SubwordToken>& symbols) const;
  // The token of `symbol`, one character of a word or, of a byte-level vocabulary, one byte.
  std::optional<TokenId> FindSymbol(std::string_view symbol, char32_t code_point, bool starts_word,
                                    bool ends_word) const;
  // Appends what stands for text[begin, end) that is no token, after symbols[first..].
  void AppendUnknown(std::string_view text, std::uint32_t begin, std::uint32_t end,
                     std::size_t first, std::vector<SubwordToken>& symbols) const;
  // Merges symbols[first..] of the word: joins at once what BoundaryRanks allows, and searches for
  // the best merge in the stretches between places that nothing reaches over.
  void MergeByBoundaries(std::string_view word, SymbolRun& run, std::vector<SubwordToken>& symbols,
                         std::size_t first) const;
  // Joins `symbols` in place and returns how many are left.
  std::size_t MergeAll(std::span<SubwordToken> symbols, SymbolRun& run) const;
  // The same: quadratic, and quicker for words than SymbolRun.
  std::size_t MergeWord(std::span<SubwordToken> word) const;
  // Replaces in symbols[first..] what is no token that text may become.
  void ReplaceSymbols(std::string_view word, std::size_t first,
                      std::vector<SubwordToken>& symbols) const;
  void AppendReplaced(std::string_view word, SubwordToken symbol, std::size_t first,
                      std::vector<SubwordToken>& symbols) const;

  const Options options_;
  const TokenId vocab_size_;
  std::optional<TokenId> unknown_id_;
  // Tokens of one symbol, by byte of a byte-level vocabulary, else by code point below the size.
  std::vector<TokenId> symbols_;
  bool is_plain_ = false;                  // a symbol has the same token everywhere in a word
  std::optional<BytePieces> byte_pieces_;  // with byte_fallback
  bool splits_at_metaspace_ = false;       // no merge reaches over the beginning of a "▁" run
  std::size_t max_piece_bytes_ = 0;
  // By text; of a byte-level vocabulary, by the bytes it spells, which live in `byte_texts_`.
  absl::flat_hash_map<std::string_view, TokenId, std::hash<std::string_view>> pieces_;
  TokenTexts byte_texts_;
  MergeTable merges_;
  std::optional<BoundaryRanks> boundaries_;  // where the text of a symbol is that of its token
  mutable PieceCache cache_;
};

}  // namespace quire::engine
