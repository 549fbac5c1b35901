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

struct EncodeOptions {
  // Adds what the post-processor adds: BOS, [CLS] ... [SEP].
  bool add_special_tokens = true;
  // Recognizes added special tokens in the text. Only for text that the model's own template
  // wrote; never for documents or user input.
  bool parse_special_tokens = false;
};

// Text to token ids and back, as the model's tokenizer.json says. Implementations: BPE (byte level
// and SentencePiece style with byte fallback) and WordPiece.
//
// Thread-safe: immutable after Load. Linear time in the text for every input.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Reads `directory`/tokenizer.json and what tokenizer_config.json adds. Returns NOT_FOUND if
  // there is none, INVALID_ARGUMENT naming file and field if it is malformed or uses a component
  // that is not supported.
  static StatusOr<std::unique_ptr<Tokenizer>> Load(const std::string& directory);

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

  // The text of `ids`. Special tokens are left out if `skip_special_tokens`. Bytes that are no
  // UTF-8 become U+FFFD. Ids outside the vocabulary give INVALID_ARGUMENT.
  virtual StatusOr<std::string> Decode(std::span<const TokenId> ids,
                                       bool skip_special_tokens) const = 0;

  // Raw bytes that `id` adds to a text after some earlier token; for incremental decoding. Empty
  // for special tokens. Requires: 0 <= id < vocab_size().
  virtual std::string TokenBytes(TokenId id) const = 0;
  // True if Decode strips one leading space from the first token of a text (SentencePiece style).
  virtual bool strips_leading_space() const = 0;

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
