#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/added_tokens.h"
#include "engine/tokenizer/normalizer.h"
#include "engine/tokenizer/post_processor.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/subword_model.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {

// The parts of a tokenizer, as read from its files.
struct TokenizerParts {
  std::unique_ptr<const Vocabulary>
      vocabulary;  // of the model; heap-allocated, the model refers to it
  std::unique_ptr<const Normalizer> normalizer;  // may be null
  AddedTokens added_tokens;
  std::unique_ptr<const PreTokenizer> pre_tokenizer;  // may be null
  std::unique_ptr<const SubwordModel> model;
  SpecialTokenFrame frame;
  TokenTexts token_bytes;  // by id, what decoding gives
  // The same for the first token of a text; empty if all that it may lose is a space.
  TokenTexts first_bytes;
  bool strips_leading_space = false;
  bool first_until_text = false;
  bool strips_trailing_space = false;
  bool drops_repeats = false;
  std::optional<TokenId> bos_token_id;
  std::optional<TokenId> eos_token_id;
};

// `bytes_of(id, text, added)` for each token by id; `added` for added tokens. For token_bytes and
// first_bytes, once vocabulary and added tokens are there.
TokenTexts BytesOfTokens(
    const TokenizerParts& parts,
    const std::function<std::string(TokenId id, std::string_view text, bool added)>& bytes_of);

// Tokenizer as a pipeline: added tokens on the raw text, normalizer, added tokens on the
// normalized text, pre-tokenizer, model on each piece, special tokens around.
class TokenizerPipeline final : public Tokenizer {
 public:
  explicit TokenizerPipeline(TokenizerParts parts) : parts_(std::move(parts)) {}

  std::vector<TokenId> Encode(std::string_view text, const EncodeOptions& options) const override;
  std::vector<TokenSpan> EncodeWithSpans(std::string_view text,
                                         const EncodeOptions& options) const override;
  std::vector<TokenId> EncodeSegments(std::span<const TextSegment> segments) const override;
  StatusOr<TokenPair> JoinPair(std::span<const TokenId> first,
                               std::span<const TokenId> second) const override;
  StatusOr<std::string> Decode(std::span<const TokenId> ids,
                               bool skip_special_tokens) const override;
  std::string TokenBytes(TokenId id) const override;
  std::string FirstTokenBytes(TokenId id) const override;
  bool strips_leading_space() const override { return parts_.strips_leading_space; }
  bool first_until_text() const override { return parts_.first_until_text; }
  bool strips_trailing_space() const override { return parts_.strips_trailing_space; }
  bool drops_repeats() const override { return parts_.drops_repeats; }
  std::int64_t vocab_size() const override { return parts_.token_bytes.size(); }
  bool IsSpecial(TokenId id) const override;
  std::optional<TokenId> FindToken(std::string_view token) const override;
  std::string TokenText(TokenId id) const override;
  std::optional<TokenId> bos_token_id() const override { return parts_.bos_token_id; }
  std::optional<TokenId> eos_token_id() const override { return parts_.eos_token_id; }

 private:
  std::string_view FirstBytes(TokenId id) const;
  class Output;

  // Adds the tokens of `text`, with special tokens around if the options say so.
  void EncodeFramed(std::string_view text, const EncodeOptions& options, Output& output) const;
  // Adds the tokens of `text`, which is tracked if `output` is. `allow_special` is asked about
  // ranges of the original text.
  void EncodeText(AlignedText text, const AddedTokens::AllowSpecial& allow_special,
                  Output& output) const;
  // The part of it from the normalizer on. `text` holds no added tokens of the first stage.
  void EncodeStretch(AlignedText text, bool starts_input,
                     const AddedTokens::AllowSpecial& allow_special, Output& output) const;

  const TokenizerParts parts_;
};

}  // namespace quire::engine
