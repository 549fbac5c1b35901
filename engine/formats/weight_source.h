#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/status.h"
#include "kernels/quant/quantized_weight.h"
#include "kernels/tensor.h"

namespace quire::engine {

// A weight in host memory.
struct HostTensor {
  kernels::MatrixView view;  // [rows, cols] f32, f16 or bf16, dense, aligned to its elements
  // The memory behind `view`. Owners: the source and every layer that borrows the weight, so that
  // a file is unmapped when the last of them is gone.
  std::shared_ptr<const void> owner;
};

// The weight of a linear layer in host memory: plain or quantized.
struct LinearTensor {
  HostTensor plain;                                     // where `quantized` is null
  std::unique_ptr<kernels::QuantizedWeight> quantized;  // over memory that `owners` keep
  std::vector<std::shared_ptr<const void>> owners;
};

// The named weights of a model. Implementations: Checkpoint, QuantizedCheckpoint, RoundedWeights,
// RandomWeights, StaticTable.
//
// Thread-safe: immutable.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual bool Contains(const std::string& name) const = 0;
  // The tensor `name`, which must have `shape`, of one or two dimensions; a vector comes as one
  // row. Returns DATA_LOSS naming file and tensor if it is absent or has another shape,
  // UNIMPLEMENTED if its type is not one we compute with.
  virtual StatusOr<HostTensor> Get(const std::string& name,
                                   std::span<const std::int64_t> shape) const = 0;

  // True if the layer `name` ("model.layers.0.mlp.up_proj") is stored quantized.
  virtual bool IsQuantized(const std::string& name) const;
  // The mapped files behind the weights: what is read of them is theirs only if they are unchanged
  // afterwards. None by default.
  virtual MappedFileStates files() const { return {}; }
  // True if GetLinear quantizes what is not.
  virtual bool quantizes_on_load() const { return false; }
  // The weight [out, in] of the linear layer `name`: by default the tensor `name`.weight. Errors as
  // Get.
  virtual StatusOr<LinearTensor> GetLinear(const std::string& name, std::int64_t out,
                                           std::int64_t in) const;
  // The same for a layer that is stored [in, out] where it is plain, as GPT-2's are; quantizers
  // write all layers in one order. The plain weight is a copy.
  virtual StatusOr<LinearTensor> GetTransposedLinear(const std::string& name, std::int64_t out,
                                                     std::int64_t in) const;
};

}  // namespace quire::engine
