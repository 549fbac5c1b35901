#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engine/formats/tensor_dtype.h"

namespace quire::engine {

// A tensor that is to be written.
struct TensorSpec {
  std::string name;
  TensorDType dtype = TensorDType::kF32;
  std::vector<std::int64_t> shape;
};

// Bytes of such a tensor. Requires: no negative length, whole bytes, no overflow.
std::uint64_t SizeBytes(const TensorSpec& spec);

// Writes the weights of a Hugging Face directory: model.safetensors, or shards beside
// model.safetensors.index.json. The tensors are named first, so that every header stands before any
// contents; the contents may then come in any order.
//
// Thread-compatible.
class CheckpointWriter {
 public:
  // Starts the files in `directory`, which holds none of them, with the tensors in this order; a
  // new shard begins where a tensor would take the one before beyond `max_shard_bytes`. Returns
  // INVALID_ARGUMENT if a name stands there twice, RESOURCE_EXHAUSTED naming the file if the system
  // refuses to write it.
  static StatusOr<std::unique_ptr<CheckpointWriter>> Create(const std::string& directory,
                                                            const std::vector<TensorSpec>& tensors,
                                                            std::uint64_t max_shard_bytes);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // The contents of one tensor. Returns INTERNAL if it was not named, is written already or has
  // another size; RESOURCE_EXHAUSTED as Create.
  Status Write(const std::string& name, std::span<const std::uint8_t> bytes);

  // After the last tensor: syncs the files and writes the index. Returns their names, INTERNAL
  // naming a tensor that is missing.
  StatusOr<std::vector<std::string>> Finish();

 private:
  struct Shard {
    std::string name;
    std::vector<std::size_t> tensors;  // into specs
    int file = -1;
  };
  struct Place {
    std::size_t shard = 0;
    std::uint64_t offset = 0;  // in the file
    std::uint64_t size_bytes = 0;
    bool written = false;
  };

  CheckpointWriter(std::string directory, std::vector<Shard> shards)
      : directory_(std::move(directory)), shards_(std::move(shards)) {}
  Status StartShard(std::size_t index, const std::vector<TensorSpec>& tensors);
  Status WriteAt(const Shard& shard, std::span<const std::uint8_t> bytes, std::uint64_t offset);
  Status WriteIndex();
  std::string PathOf(const Shard& shard) const { return directory_ + "/" + shard.name; }

  const std::string directory_;
  std::vector<Shard> shards_;
  std::unordered_map<std::string, Place> places_;
};

}  // namespace quire::engine
