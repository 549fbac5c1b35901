#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/formats/weight_source.h"
#include "kernels/quant/group_codes.h"

namespace quire::engine {

// The weights of another source with some replaced: vectors by other numbers, linear layers by
// quantized ones. What the layers of a model that are quantized already make of a text.
//
// Thread-compatible; what it has given out stays as it is.
class EditedWeights final : public WeightSource {
 public:
  explicit EditedWeights(std::shared_ptr<const WeightSource> source) : source_(std::move(source)) {}

  // The tensor `name`, a vector.
  void SetVector(const std::string& name, std::vector<float> values);
  // The linear layer `name`.
  void SetLinear(const std::string& name, kernels::GroupCodes codes);

  bool Contains(const std::string& name) const override { return source_->Contains(name); }
  StatusOr<HostTensor> Get(const std::string& name,
                           std::span<const std::int64_t> shape) const override;
  bool IsQuantized(const std::string& name) const override { return linears_.contains(name); }
  StatusOr<LinearTensor> GetLinear(const std::string& name, std::int64_t out,
                                   std::int64_t in) const override;
  MappedFileStates files() const override { return source_->files(); }

 private:
  const std::shared_ptr<const WeightSource> source_;
  std::map<std::string, std::shared_ptr<const std::vector<float>>> vectors_;
  std::map<std::string, std::shared_ptr<const kernels::GroupCodes>> linears_;
};

}  // namespace quire::engine
