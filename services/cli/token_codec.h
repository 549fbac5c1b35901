#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "services/cli/session.h"

namespace quire::services::cli {

// Text to token ids and back. Implementations: over a model's tokenizer files, which needs no
// weights; over the inference service at --server.
class TokenCodec {
 public:
  // For `models.model` in this process, or at --server.
  static StatusOr<std::unique_ptr<TokenCodec>> Create(Session& session, const ModelOptions& models);
  virtual ~TokenCodec() = default;

  virtual StatusOr<std::vector<std::int32_t>> Encode(const std::string& text,
                                                     bool special_tokens) = 0;
  virtual StatusOr<std::string> Decode(std::span<const std::int32_t> ids, bool special_tokens) = 0;
};

}  // namespace quire::services::cli
