#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/json_field.h"

namespace quire::engine {

// tokenizer.json's "decoder", reduced to what every token means by itself: the bytes it adds to a
// text after some earlier token. What the first token of a text does differently is one flag.
class TokenDecoder {
 public:
  // Without a spec, tokens are joined by spaces. Supports Sequence, ByteLevel, Metaspace,
  // WordPiece, Replace, ByteFallback, Fuse and Strip; INVALID_ARGUMENT for others, and for
  // combinations in which a token's bytes depend on its neighbours.
  static StatusOr<TokenDecoder> Create(const std::optional<JsonField>& spec);

  // The bytes of a token with this text; `added` for added tokens, whose text is no spelling.
  std::string Bytes(std::string text, bool added) const;
  // A text loses one space at its beginning.
  bool strips_leading_space() const { return strips_leading_space_; }

 private:
  using Step = std::function<void(std::string& token, bool added)>;

  TokenDecoder() = default;

  Status AddSteps(const JsonField& spec);
  Status AddReplace(const JsonField& spec);
  Status AddMetaspace(const JsonField& spec);
  Status AddWordPiece(const JsonField& spec);
  Status AddStrip(const JsonField& spec);

  std::vector<Step> steps_;
  bool fused_ = false;  // later steps see the whole text
  bool strips_leading_space_ = false;
};

}  // namespace quire::engine
