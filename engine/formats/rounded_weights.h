#pragma once

#include <memory>
#include <string>

#include "engine/formats/weight_source.h"
#include "kernels/quant/round_to_nearest.h"

namespace quire::engine {

// The weights of another source with its plain linear layers quantized as they are read. Layers
// that are quantized already stay as they are.
//
// Thread-safe: immutable.
class RoundedWeights final : public WeightSource {
 public:
  RoundedWeights(std::shared_ptr<const WeightSource> source, kernels::RoundingKind kind)
      : source_(std::move(source)), kind_(kind) {}

  bool Contains(const std::string& name) const override { return source_->Contains(name); }
  StatusOr<HostTensor> Get(const std::string& name,
                           std::span<const std::int64_t> shape) const override {
    return source_->Get(name, shape);
  }
  MappedFileStates files() const override { return source_->files(); }
  bool IsQuantized(const std::string& name) const override { return source_->IsQuantized(name); }
  bool quantizes_on_load() const override { return true; }
  // The output matrix keeps 8 bits, since its errors reach the logits as they are.
  StatusOr<LinearTensor> GetLinear(const std::string& name, std::int64_t out,
                                   std::int64_t in) const override;
  StatusOr<LinearTensor> GetTransposedLinear(const std::string& name, std::int64_t out,
                                             std::int64_t in) const override;

 private:
  // `tensor` with its weight quantized unless it is already.
  StatusOr<LinearTensor> Round(const std::string& name, LinearTensor tensor) const;

  const std::shared_ptr<const WeightSource> source_;  // this is its one owner
  const kernels::RoundingKind kind_;
};

}  // namespace quire::engine
