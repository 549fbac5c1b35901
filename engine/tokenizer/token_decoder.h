#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/json_field.h"

namespace quire::engine {

// tokenizer.json's "decoder", reduced to what every token means by itself: the bytes it adds to a
// text after some earlier token. What beginning and end of a text do differently are flags.
class TokenDecoder {
 public:
  // Without a spec, tokens are joined by spaces. Supports Sequence, ByteLevel, Metaspace,
  // WordPiece, BPEDecoder, CTC, Replace, ByteFallback, Fuse and Strip; INVALID_ARGUMENT for others,
  // and for combinations in which a token's bytes depend on its neighbours.
  static StatusOr<TokenDecoder> Create(const std::optional<JsonField>& spec);

  // The bytes of a token with this text; `added` for added tokens, whose text is no spelling.
  std::string Bytes(std::string text, bool added) const;
  // The same for the first token of a text, if first_differs(): otherwise all that it may lose is a
  // space at its beginning.
  std::string FirstBytes(std::string text, bool added) const;
  bool first_differs() const { return first_differs_; }
  // A text loses one space at its beginning.
  bool strips_leading_space() const { return strips_leading_space_; }
  // A text loses one space at its end.
  bool strips_trailing_space() const { return strips_trailing_space_; }
  // A token that equals the one before it adds nothing.
  bool drops_repeats() const { return drops_repeats_; }

 private:
  struct Context {
    bool added;
    bool first;
  };
  using Step = std::function<void(std::string& token, Context context)>;

  TokenDecoder() = default;

  Status AddSteps(const JsonField& spec);
  Status AddReplace(const JsonField& spec);
  Status AddMetaspace(const JsonField& spec);
  Status AddWordPiece(const JsonField& spec);
  Status AddWordSuffix(const JsonField& spec);
  Status AddCtc(const JsonField& spec);
  Status AddStrip(const JsonField& spec);

  std::vector<Step> steps_;
  bool fused_ = false;  // later steps see the whole text
  bool first_differs_ = false;
  bool strips_leading_space_ = false;
  bool strips_trailing_space_ = false;
  bool drops_repeats_ = false;
};

}  // namespace quire::engine
