#include "engine/tokenizer/tokenizer.h"

#include "engine/formats/gguf_file.h"
#include "engine/tokenizer/gguf_tokenizer.h"
#include "engine/tokenizer/hugging_face_tokenizer.h"
#include "engine/tokenizer/sentence_piece_tokenizer.h"
#include "engine/tokenizer/tekken_tokenizer.h"
#include "engine/tokenizer/tokenizer_pipeline.h"

namespace quire::engine {

namespace {

StatusOr<TokenizerParts> LoadFromGguf(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(path, MappedFile::Wanted::kSome));
  StatusOr<TokenizerParts> parts = BuildGgufTokenizer(file->metadata());
  QUIRE_RETURN_IF_ERROR(file->CheckUnchanged());
  return parts;
}

StatusOr<TokenizerParts> LoadFromDirectory(const std::string& directory) {
  StatusOr<TokenizerParts> parts = LoadHuggingFaceTokenizer(directory);
  if (absl::IsNotFound(parts.status())) parts = LoadSentencePieceTokenizer(directory);
  if (absl::IsNotFound(parts.status())) parts = LoadTekkenTokenizer(directory);
  if (absl::IsNotFound(parts.status())) {
    return NotFound("{}: wanted tokenizer.json, tokenizer.model or tekken.json, have none",
                    directory);
  }
  return parts;
}

}  // namespace

StatusOr<TokenPair> Tokenizer::JoinPair(std::span<const TokenId>, std::span<const TokenId>) const {
  return Unimplemented("tokenizer: wanted a post-processor for pairs of texts, have none");
}

StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Load(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(TokenizerParts parts,
                         IsGgufPath(path) ? LoadFromGguf(path) : LoadFromDirectory(path));
  return std::make_unique<TokenizerPipeline>(std::move(parts));
}

}  // namespace quire::engine
