#pragma once

#include <memory>
#include <optional>
#include <string>
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
  bool strips_leading_space = false;
  std::optional<TokenId> bos_token_id;
  std::optional<TokenId> eos_token_id;
};

// Tokenizer as a pipeline: added tokens on the raw text, normalizer, added tokens on the
// normalized text, pre-tokenizer, model on each piece, special tokens around.
class TokenizerPipeline final : public Tokenizer {
 public:
  explicit TokenizerPipeline(TokenizerParts parts) : parts_(std::move(parts)) {}

  std::vector<TokenId> Encode(std::string_view text, const EncodeOptions& options) const override;
  std::vector<TokenSpan> EncodeWithSpans(std::string_view text,
                                         const EncodeOptions& options) const override;
  std::vector<TokenId> EncodeSegments(std::span<const TextSegment> segments) const override;
  StatusOr<std::string> Decode(std::span<const TokenId> ids,
                               bool skip_special_tokens) const override;
  std::string TokenBytes(TokenId id) const override;
  bool strips_leading_space() const override { return parts_.strips_leading_space; }
  std::int64_t vocab_size() const override { return parts_.token_bytes.size(); }
  bool IsSpecial(TokenId id) const override;
  std::optional<TokenId> FindToken(std::string_view token) const override;
  std::string TokenText(TokenId id) const override;
  std::optional<TokenId> bos_token_id() const override { return parts_.bos_token_id; }
  std::optional<TokenId> eos_token_id() const override { return parts_.eos_token_id; }

 private:
  // Appends the tokens of `text`. `allow_special` is asked about ranges of the original text.
  // Spans are set only if `text` is tracked.
  void EncodeText(const AlignedText& text, bool tracked,
                  const AddedTokens::AllowSpecial& allow_special,
                  std::vector<TokenSpan>& spans) const;
  // The part of it from the normalizer on. `text` holds no added tokens of the first stage.
  void EncodeStretch(AlignedText text, bool starts_input, bool tracked,
                     const AddedTokens::AllowSpecial& allow_special,
                     std::vector<TokenSpan>& spans) const;
  std::vector<TokenSpan> EncodeTracked(std::string_view text, const EncodeOptions& options,
                                       bool tracked) const;

  const TokenizerParts parts_;
};

}  // namespace quire::engine
