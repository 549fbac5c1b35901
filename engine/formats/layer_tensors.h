#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/formats/checkpoint.h"
#include "kernels/tensor.h"

namespace quire::engine {

// The tensors of one quantized layer, taken from a checkpoint one by one with the type and shape
// that they must have. Keeps what they lie in.
//
// Thread-compatible. The checkpoint must outlive it.
class LayerTensors {
 public:
  // `layer`: "model.layers.0.mlp.up_proj".
  LayerTensors(const Checkpoint& checkpoint, std::string layer)
      : checkpoint_(checkpoint), layer_(std::move(layer)) {}

  bool Contains(const std::string& suffix) const { return checkpoint_.Contains(layer_ + suffix); }

  // The elements of the tensor `layer``suffix`. Returns DATA_LOSS naming file and tensor if it is
  // absent or has another type or shape.
  StatusOr<const void*> Get(const std::string& suffix, TensorDType dtype,
                            std::span<const std::int64_t> shape);
  template <typename T>
  StatusOr<const T*> Get(const std::string& suffix, TensorDType dtype,
                         std::initializer_list<std::int64_t> shape) {
    QUIRE_ASSIGN_OR_RETURN(const void* const data,
                           Get(suffix, dtype, std::span(shape.begin(), shape.size())));
    return static_cast<const T*>(data);
  }
  // The same for a tensor of f32, f16 or bf16, whose type is written to `dtype`.
  StatusOr<const void*> GetFloats(const std::string& suffix,
                                  std::initializer_list<std::int64_t> shape, kernels::DType& dtype);
  // A tensor whose type and shape say nothing, by its bytes.
  StatusOr<std::span<const std::uint8_t>> GetBytes(const std::string& suffix,
                                                   std::uint64_t size_bytes);
  // A tensor of bytes of any length.
  StatusOr<std::span<const std::uint8_t>> GetText(const std::string& suffix,
                                                  std::uint64_t max_bytes);

  // "PATH: tensor NAME" of the tensor `layer``suffix`, which must be there.
  std::string Where(const std::string& suffix) const;
  std::vector<std::shared_ptr<const void>> TakeOwners() { return std::move(owners_); }

 private:
  StatusOr<StoredTensor> Stored(const std::string& suffix);

  const Checkpoint& checkpoint_;
  const std::string layer_;
  std::vector<std::shared_ptr<const void>> owners_;
};

}  // namespace quire::engine
