#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "quire/inference/v1/inference.pb.h"

// What can be refused by looking at a request alone, before a model is asked and before anything
// of its size is allocated. Each returns INVALID_ARGUMENT with one BadRequest violation per bad
// field, named as a path ("sampling.temperature").

namespace quire::services {

// Bytes of all texts of one request together.
inline constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;
// A Token takes about a hundred bytes of memory for each byte of text at worst.
inline constexpr std::size_t kMaxTokenizeBytes = std::size_t{1} << 20;
inline constexpr int kMaxTokenIds = 1 << 20;
inline constexpr int kMaxTexts = 65'536;
inline constexpr int kMaxEmbedTexts = 4'096;
inline constexpr int kMaxRerankDocuments = 1'024;
inline constexpr std::size_t kMaxQueryBytes = 65'536;
inline constexpr int kMaxMessages = 4'096;
inline constexpr std::int32_t kMaxLogprobs = 20;

Status Validate(const inference::v1::GenerateRequest& request);
Status Validate(const inference::v1::ChatRequest& request);
Status Validate(const inference::v1::CancelGroupRequest& request);
Status Validate(const inference::v1::RenderPromptRequest& request);
Status Validate(const inference::v1::TokenizeRequest& request);
Status Validate(const inference::v1::DetokenizeRequest& request);
Status Validate(const inference::v1::CountTokensRequest& request);
Status Validate(const inference::v1::EmbedRequest& request);
Status Validate(const inference::v1::RerankRequest& request);
Status Validate(const inference::v1::ScoreRequest& request);
Status Validate(const inference::v1::ListModelsRequest& request);
Status Validate(const inference::v1::GetModelRequest& request);

// INVALID_ARGUMENT naming the first of `ids` that is outside [0, vocab_size): "`field`[3]".
Status ValidateIds(std::string_view field, std::span<const std::int32_t> ids,
                   std::int64_t vocab_size);

}  // namespace quire::services
