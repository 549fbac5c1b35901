#pragma once

#include <memory>
#include <string>

#include "engine/formats/checkpoint.h"
#include "engine/formats/quantization_config.h"
#include "engine/formats/weight_source.h"

namespace quire::engine {

// A checkpoint whose linear layers are quantized by GPTQ, AWQ or bitsandbytes. A layer that is
// stored as a plain weight is one. Everything that a file says is checked here: types, shapes, the
// numbers that other numbers depend on.
//
// Thread-safe: immutable.
class QuantizedCheckpoint final : public WeightSource {
 public:
  // Shares the checkpoint with whoever asks it for more than weights.
  QuantizedCheckpoint(std::shared_ptr<const Checkpoint> checkpoint, QuantizationConfig config)
      : checkpoint_(std::move(checkpoint)), config_(std::move(config)) {}

  bool Contains(const std::string& name) const override { return checkpoint_->Contains(name); }
  StatusOr<HostTensor> Get(const std::string& name,
                           std::span<const std::int64_t> shape) const override {
    return checkpoint_->Get(name, shape);
  }
  MappedFileStates files() const override { return checkpoint_->files(); }
  bool IsQuantized(const std::string& name) const override;
  // Returns DATA_LOSS naming file, tensor and reason for what cannot be, UNIMPLEMENTED for layouts
  // we do not have.
  StatusOr<LinearTensor> GetLinear(const std::string& name, std::int64_t out,
                                   std::int64_t in) const override;

 private:
  StatusOr<LinearTensor> GetGptq(const std::string& name, std::int64_t out, std::int64_t in) const;
  StatusOr<LinearTensor> GetAwq(const std::string& name, std::int64_t out, std::int64_t in) const;
  StatusOr<LinearTensor> GetBnb4(const std::string& name, std::int64_t out, std::int64_t in) const;
  StatusOr<LinearTensor> GetInt8(const std::string& name, std::int64_t out, std::int64_t in) const;

  const std::shared_ptr<const Checkpoint> checkpoint_;
  const QuantizationConfig config_;
};

}  // namespace quire::engine
