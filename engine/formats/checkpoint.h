#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/formats/safetensors.h"
#include "engine/formats/weight_source.h"

namespace quire::engine {

// A tensor of a file as it is stored, in whatever type.
struct StoredTensor {
  std::string where;  // "PATH: tensor NAME", for messages
  TensorDType dtype = TensorDType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::uint8_t> bytes;  // aligned to the elements
  std::shared_ptr<const void> owner;    // see HostTensor::owner
};

// The weights of a Hugging Face directory: model.safetensors, or the shards that
// model.safetensors.index.json names. Other files of the directory are never looked at.
class Checkpoint final : public WeightSource {
 public:
  // Returns NOT_FOUND if the directory holds no weights, UNIMPLEMENTED if it holds a pickle alone,
  // DATA_LOSS naming file and tensor if a file is damaged or lacks what the index promises.
  static StatusOr<std::unique_ptr<Checkpoint>> Open(const std::string& directory);

  bool Contains(const std::string& name) const override;
  StatusOr<HostTensor> Get(const std::string& name,
                           std::span<const std::int64_t> shape) const override;

  MappedFileStates files() const override;

  // Returns DATA_LOSS naming the tensor if it is absent.
  StatusOr<StoredTensor> Stored(const std::string& name) const;

  // In the order of their names.
  const std::vector<std::shared_ptr<const SafetensorsFile>>& shards() const { return shards_; }

 private:
  struct Place {
    const SafetensorsFile* file;  // one of shards_
    const TensorInfo* tensor;
  };

  explicit Checkpoint(std::string directory) : directory_(std::move(directory)) {}
  Status OpenSingle(const std::string& path);
  Status OpenShards(const std::string& index_path);
  std::shared_ptr<const SafetensorsFile> FileOf(const Place& place) const;

  const std::string directory_;
  std::vector<std::shared_ptr<const SafetensorsFile>> shards_;
  std::unordered_map<std::string, Place> tensors_;
};

}  // namespace quire::engine
