#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "kernels/tensor.h"

namespace quire::engine {

// A weight in host memory.
struct HostTensor {
  kernels::MatrixView view;  // [rows, cols] f32, f16 or bf16, dense, aligned to its elements
  // The memory behind `view`. Owners: the source and every layer that borrows the weight, so that
  // a file is unmapped when the last of them is gone.
  std::shared_ptr<const void> owner;
};

// The named weights of a model. Implementations: Checkpoint, RandomWeights.
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
};

}  // namespace quire::engine
