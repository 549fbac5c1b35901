#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// The special tokens around a single text.
struct SpecialTokenFrame {
  std::vector<TokenId> before;
  std::vector<TokenId> after;
};

// Reads tokenizer.json's "post_processor". Supports TemplateProcessing (its "single" template),
// BertProcessing, RobertaProcessing, ByteLevel and Sequence; INVALID_ARGUMENT for others and for
// ids that `is_token` refuses.
StatusOr<SpecialTokenFrame> ParsePostProcessor(const JsonField& spec,
                                               const std::function<bool(TokenId)>& is_token);

}  // namespace quire::engine
