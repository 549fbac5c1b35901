#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace quire::engine {

using TokenId = std::int32_t;

// A token and the bytes of the input it stands for.
struct TokenSpan {
  TokenId id = 0;
  std::int64_t begin = 0;  // byte offsets into the input text, [begin, end)
  std::int64_t end = 0;
};

// A stretch of a prompt. Special tokens ("<|eot_id|>") are recognized in template segments alone;
// the same strings in content are ordinary text.
struct TextSegment {
  enum class Kind { kTemplate, kContent };
  Kind kind = Kind::kContent;
  std::string text;
};

// Two texts as one input, as cross-encoders read a query and a document.
struct TokenPair {
  std::vector<TokenId> ids;
  std::vector<std::int32_t> type_ids;  // [ids], which of the texts, as the model was trained
};

struct EncodeOptions {
  // Adds what the post-processor adds: BOS, [CLS] ... [SEP].
  bool add_special_tokens = true;
  // Recognizes added special tokens in the text. Only for text that the model's own template
  // wrote; never for documents or user input.
  bool parse_special_tokens = false;
};

// Text to token ids and back, as the model's own files say: BPE (byte level, and SentencePiece
// style with byte fallback), Unigram, WordPiece and WordLevel.
//
// Thread-safe: immutable after Load. Linear time in the text for every input.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Reads the tokenizer of a model: the metadata of a .gguf file, or a directory's tokenizer.json,
  // else its tokenizer.model, else its tekken.json, and what tokenizer_config.json adds. Returns
  // NOT_FOUND if there is none, INVALID_ARGUMENT naming file and field if it is malformed or uses a
  // component that is not supported, DATA_LOSS if a .gguf file is damaged.
  static StatusOr<std::unique_ptr<Tokenizer>> Load(const std::string& path);

  // Invalid UTF-8 becomes U+FFFD first. Never fails.
  virtual std::vector<TokenId> Encode(std::string_view text,
                                      const EncodeOptions& options) const = 0;
  // Encodes with the byte range of `text` behind each token; special tokens that were added have
  // an empty range.
  virtual std::vector<TokenSpan> EncodeWithSpans(std::string_view text,
                                                 const EncodeOptions& options) const = 0;
  // Encodes a rendered prompt. Adjoining segments are joined before pre-tokenization as if they
  // were one text, but for special tokens, which only template segments can hold. Adds no special
  // tokens of its own: the template wrote them.
  virtual std::vector<TokenId> EncodeSegments(std::span<const TextSegment> segments) const = 0;

  // Two texts, encoded without special tokens, with the special tokens that belong around and
  // between them. Returns UNIMPLEMENTED if the tokenizer's files say nothing of pairs.
  virtual StatusOr<TokenPair> JoinPair(std::span<const TokenId> first,
                                       std::span<const TokenId> second) const;

  // The text of `ids`. Special tokens are left out if `skip_special_tokens`. Bytes that are no
  // UTF-8 become U+FFFD. Ids outside the vocabulary give INVALID_ARGUMENT.
  virtual StatusOr<std::string> Decode(std::span<const TokenId> ids,
                                       bool skip_special_tokens) const = 0;

  // Raw bytes that `id` adds to a text after some earlier token; for incremental decoding. Empty
  // for special tokens. Requires: 0 <= id < vocab_size().
  virtual std::string TokenBytes(TokenId id) const = 0;
  // True if Decode strips one leading space from the first token of a text (SentencePiece style).
  virtual bool strips_leading_space() const = 0;
  // The bytes of `id` as the first token of a text that has any.
  virtual std::string FirstTokenBytes(TokenId id) const {
    std::string bytes = TokenBytes(id);
    if (strips_leading_space() && bytes.starts_with(' ')) bytes.erase(0, 1);
    return bytes;
  }
  // True if every token counts as the first until the text is no longer empty.
  virtual bool first_until_text() const { return false; }
  // True if Decode strips one space from the end of a text (word by word models).
  virtual bool strips_trailing_space() const { return false; }
  // True if Decode leaves out a token that equals the one before it (CTC models).
  virtual bool drops_repeats() const { return false; }

  virtual std::int64_t vocab_size() const = 0;
  virtual bool IsSpecial(TokenId id) const = 0;
  // The id of a token by its exact text, or nothing.
  virtual std::optional<TokenId> FindToken(std::string_view token) const = 0;
  // The token's text as in the vocabulary, for display. Requires: 0 <= id < vocab_size().
  virtual std::string TokenText(TokenId id) const = 0;
  // From tokenizer_config.json; nothing if the model has none.
  virtual std::optional<TokenId> bos_token_id() const = 0;
  virtual std::optional<TokenId> eos_token_id() const = 0;
};

}  // namespace quire::engine
