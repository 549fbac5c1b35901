#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/formats/checkpoint.h"
#include "engine/formats/weight_source.h"

namespace quire::engine {

// The token vectors of a static embedding model as one matrix, under the name kName. In a file they
// are "embedding.weight" (sentence-transformers) or "embeddings" (model2vec), [rows, dimension]:
// F32, F16 and BF16 are borrowed as they are, I8 and F64 converted to f32. model2vec may add, per
// token, its row ("mapping", integers) and a factor of that row ("weights"); both are applied here.
// Source: MinishLab/model2vec, persistence.py and model.py.
//
// Thread-safe: immutable.
class StaticTable final : public WeightSource {
 public:
  static constexpr const char* kName = "embedding.weight";

  // Returns DATA_LOSS naming the tensor if one is absent, has a wrong shape or a row that is not
  // there, UNIMPLEMENTED for a type we do not read, RESOURCE_EXHAUSTED for a table of more than
  // 2^30 elements once its mapping is applied.
  static StatusOr<std::unique_ptr<StaticTable>> Open(std::shared_ptr<const Checkpoint> checkpoint);

  MappedFileStates files() const override { return files_; }

  std::int32_t vocab_size() const { return vocab_size_; }
  std::int32_t dimension() const { return dimension_; }

  bool Contains(const std::string& name) const override { return name == kName; }
  StatusOr<HostTensor> Get(const std::string& name,
                           std::span<const std::int64_t> shape) const override;

 private:
  StaticTable(MappedFileStates files, StoredTensor rows, std::optional<StoredTensor> mapping,
              std::optional<StoredTensor> factors);

  // The row that each token uses, each in range.
  StatusOr<std::vector<std::int64_t>> Rows() const;
  StatusOr<HostTensor> Converted() const;

  const MappedFileStates files_;
  const StoredTensor rows_;
  const std::optional<StoredTensor> mapping_;
  const std::optional<StoredTensor> factors_;
  const std::int32_t vocab_size_;
  const std::int32_t dimension_;
};

}  // namespace quire::engine
