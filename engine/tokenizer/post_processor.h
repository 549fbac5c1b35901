#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// A part of the input that two texts make.
struct PairPart {
  enum class Kind { kToken, kFirst, kSecond };
  Kind kind = Kind::kToken;
  TokenId id = 0;  // of a kToken
  std::int32_t type_id = 0;
};

// The special tokens around a single text, and between two.
struct SpecialTokenFrame {
  std::vector<TokenId> before;
  std::vector<TokenId> after;
  std::vector<PairPart> pair;  // both texts once; empty: the tokenizer knows no pairs
};

// Reads tokenizer.json's "post_processor". Supports TemplateProcessing, BertProcessing,
// RobertaProcessing, ByteLevel and Sequence; INVALID_ARGUMENT for others and for ids that
// `is_token` refuses. A "pair" template without two texts counts as none.
StatusOr<SpecialTokenFrame> ParsePostProcessor(const JsonField& spec,
                                               const std::function<bool(TokenId)>& is_token);

}  // namespace quire::engine
